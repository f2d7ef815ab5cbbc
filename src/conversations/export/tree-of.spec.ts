import { describe, expect, it } from 'vitest';
import type { Attachment } from '../records.ts';
import type { LeftOut } from './format.ts';
import { type ForeignMessage, fromRoots, treeOf } from './tree-of.ts';

/** "a<b u Hello" is message a after b, of the user; other roles are a (assistant) and - (nothing to show). */
function message(line: string, created = 0, more: Partial<ForeignMessage> = {}): ForeignMessage {
  const [place = '', role = '', ...words] = line.split(' ');
  const [id = '', parent = null] = place.split('<');
  return {
    ...{ id, parent, created, text: words.join(' '), attachments: [], model: '' },
    role: role === 'u' ? 'user' : role === 'a' ? 'assistant' : null,
    ...more,
  };
}
function tree(lines: readonly (string | ForeignMessage)[], current: string | null = null) {
  const leftOut: LeftOut = {};
  const foreign = lines.map((line, i) => (typeof line === 'string' ? message(line, i) : line));
  const { messages, leaf } = treeOf(foreign, current, 'conversation', leftOut);
  const at = (id: string | null) => messages.findIndex((each) => each.id === id);
  return {
    messages,
    said: messages.map(({ role, text, parent }) => `${at(parent)} ${role === 'user' ? 'u' : 'a'} ${text}`),
    leaf: at(leaf),
    leftOut,
  };
}

describe('trees of others', () => {
  it('become ours, with ids of their own', () => {
    const { messages, said, leaf, leftOut } = tree(['q u Hello', 'a<q a Hi', 'b<q a Hey', 'r<a u More'], 'r');
    expect(said).toEqual(['-1 u Hello', '0 a Hi', '0 a Hey', '1 u More']);
    expect(leaf).toBe(3);
    expect(leftOut).toEqual({});
    for (const { id, conversation } of messages) {
      expect(id).toMatch(/^[\da-f-]{36}$/);
      expect(conversation).toBe('conversation');
    }
  });

  it('are bridged where there is nothing to show', () => {
    const { said, leaf } = tree(['root -', 'q<root u Hello', 'x<q -', 'y<x -', 'a<y a Hi', 'z<a -'], 'z');
    expect(said).toEqual(['-1 u Hello', '0 a Hi']);
    expect(leaf).toBe(1);
  });

  it('begin with a question: answers before it are left out, and counted', () => {
    const { said, leftOut } = tree(['a a Welcome', 'q<a u Hello', 'b<q a Hi']);
    expect(said).toEqual(['-1 u Hello', '0 a Hi']);
    expect(leftOut).toEqual({ message: 1 });
  });

  it('have one message for what one side said in several', () => {
    const file = (id: string): Attachment => ({ id, kind: 'document', name: id, blob: new Blob(), text: '' });
    const { messages, said } = tree([
      message('p u One', 1, { attachments: [file('f')] }),
      message('q<p u ', 2, { attachments: [file('g')] }),
      message('r<q u Two', 3),
      message('a<r a First', 4, { model: 'gemma' }),
      message('b<a a Second', 5),
      message('c<b a Third', 6, { model: 'llama' }),
    ]);
    expect(said).toEqual(['-1 u One\n\nTwo', '0 a First\n\nSecond\n\nThird']);
    expect(messages).toMatchObject([
      { created: 1, attachments: [{ name: 'f' }, { name: 'g' }] },
      { created: 4, model: 'llama', finish: null, error: null },
    ]);
  });

  it('keep the shorter one too where something else follows it, or where it was read last', () => {
    const lines = ['q u Hello', 'a<q a One', 'b<a a Two', 'r<a u Why?'];
    expect(tree(lines).said).toEqual(['-1 u Hello', '0 a One', '0 a One\n\nTwo', '1 u Why?']);
    const { said, leaf } = tree(['q u Hello', 'a<q a One', 'b<a a Two'], 'a');
    expect(said).toEqual(['-1 u Hello', '0 a One', '0 a One\n\nTwo']);
    expect(leaf).toBe(1);
  });

  it('are read to the newest message below the one that was read last, or to the newest of all', () => {
    const foreign = [
      message('q u', 1),
      message('a<q a', 5),
      message('b<q a', 3),
      message('r<b u', 9),
      message('s<a u', 6),
      message('t<a u', 7),
    ];
    expect(tree(foreign, 'a').leaf).toBe(4);
    expect(tree(foreign, 'b').leaf).toBe(5);
    for (const current of [null, 'nobody']) expect(tree(foreign, current).leaf).toBe(5);
    expect(tree([message('p u', 1), message('q u', 1)]).leaf).toBe(1);
    expect(tree([]).leaf).toBe(-1);
    expect(tree(['x -']).messages).toEqual([]);
  });

  it('leave out what cannot be reached, and count it', () => {
    const { said, leftOut } = tree(['q u Hello', 'x<y u One', 'y<x a Two', 'z<z u Three']);
    expect(said).toEqual(['-1 u Hello']);
    expect(leftOut).toEqual({ message: 3 });
  });
});

it('walks from first messages on, and takes one whose parent is missing for a first one', () => {
  const all = [
    { id: 'c', parent: 'b' },
    { id: 'b', parent: 'a' },
    { id: 'a', parent: null },
    { id: 'd', parent: 'gone' },
    { id: 'e', parent: 'a' },
  ];
  expect(fromRoots(all).map(({ id }) => id)).toEqual(['a', 'd', 'b', 'e', 'c']);
});
