import { describe, expect, it } from 'vitest';
import { AnswerMemory } from './answer-ids.ts';

describe('AnswerMemory', () => {
  it('finds the ids of an answer by its text', () => {
    const answers = new AnswerMemory();
    answers.remember('Hello!', [5, 6]);
    expect(answers.idsOf(' Hello!\n')).toEqual([5, 6]);
    expect(answers.idsOf('Hello')).toBeUndefined();
  });

  it('keeps nothing that the chat template would change', () => {
    const answers = new AnswerMemory();
    answers.remember('Hello! ', [5, 6, 7]);
    answers.remember('', [1]);
    expect(answers.idsOf('Hello!')).toBeUndefined();
    expect(answers.idsOf('')).toBeUndefined();
  });

  it('forgets the oldest, not the one just used again', () => {
    const answers = new AnswerMemory();
    for (let i = 0; i < 256; i++) answers.remember(`answer ${i}`, [i]);
    answers.remember('answer 0', [0]);
    answers.remember('one more', [999]);
    expect(answers.idsOf('answer 0')).toEqual([0]);
    expect(answers.idsOf('answer 1')).toBeUndefined();
  });
});
