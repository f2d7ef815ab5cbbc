import { describe, expect, it } from 'vitest';
import { AnswerIds } from './answer-ids.ts';

describe('AnswerIds', () => {
  it('finds the ids of an answer by its text', () => {
    const answers = new AnswerIds();
    answers.add('Hello!', [5, 6]);
    expect(answers.get(' Hello!\n')).toEqual([5, 6]);
    expect(answers.get('Hello')).toBeUndefined();
  });

  it('keeps nothing that the chat template would change', () => {
    const answers = new AnswerIds();
    answers.add('Hello! ', [5, 6, 7]);
    answers.add('', [1]);
    expect(answers.get('Hello!')).toBeUndefined();
    expect(answers.get('')).toBeUndefined();
  });

  it('forgets the oldest, not the one just used again', () => {
    const answers = new AnswerIds();
    for (let i = 0; i < 256; i++) answers.add(`answer ${i}`, [i]);
    answers.add('answer 0', [0]);
    answers.add('one more', [999]);
    expect(answers.get('answer 0')).toEqual([0]);
    expect(answers.get('answer 1')).toBeUndefined();
  });
});
