import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Node, Tree } from './tree.ts';

const node = (id: string, parent: string | null, created = 0): Node => ({ id, parent, created });
const ids = (nodes: readonly Node[]) => nodes.map(({ id }) => id).join(' ');

function sample(): Tree<Node> {
  const tree = new Tree<Node>();
  tree.add(node('q1', null, 1));
  tree.add(node('a1', 'q1', 2));
  tree.add(node('q2', 'a1', 3));
  tree.add(node('a2', 'q2', 4));
  return tree;
}

describe('the tree of messages', () => {
  it('keeps both branches when a question is put differently', () => {
    const tree = sample();
    tree.add(node('q2b', 'a1', 5));
    tree.add(node('a2b', 'q2b', 6));
    expect(ids(tree.branch())).toBe('q1 a1 q2b a2b');
    expect(ids(tree.siblings('q2b'))).toBe('q2 q2b');
    tree.switchTo('q2');
    expect(ids(tree.branch())).toBe('q1 a1 q2 a2');
  });

  it('goes back to where a branch was left', () => {
    const tree = sample();
    tree.add(node('a2b', 'q2', 5));
    tree.switchTo('a2');
    tree.add(node('q1b', null, 6));
    tree.switchTo('q1');
    expect(ids(tree.branch())).toBe('q1 a1 q2 a2');
  });

  it('reads a neighbour when what is read goes', () => {
    const tree = sample();
    tree.add(node('a2b', 'q2', 5));
    expect(ids(tree.remove('a2b'))).toBe('a2b');
    expect(ids(tree.branch())).toBe('q1 a1 q2 a2');
    expect(ids(tree.remove('q1'))).toBe('q1 a1 q2 a2');
    expect(tree.branch()).toEqual([]);
    expect(tree.leaf).toBeNull();
  });

  it('refuses what hangs on nothing, and what is there', () => {
    const tree = sample();
    expect(() => tree.add(node('x', 'nobody'))).toThrow('nobody');
    expect(() => tree.add(node('q1', null))).toThrow('q1');
    expect(tree.size).toBe(4);
  });

  it('has nothing to say of a message that it does not have', () => {
    const tree = sample();
    tree.switchTo('nobody');
    expect(ids(tree.branch())).toBe('q1 a1 q2 a2');
    expect(tree.remove('nobody')).toEqual([]);
    expect(tree.siblings('nobody')).toEqual([]);
    expect(tree.path('nobody')).toEqual([]);
    expect(tree.size).toBe(4);
    expect(new Tree<Node>().all()).toEqual([]);
  });

  it('shows the branch of the newest message where none is named, or one that is missing', () => {
    const stored = [node('q1', null, 1), node('a1', 'q1', 9), node('a1b', 'q1', 3), node('q2', 'a1b', 4)];
    for (const leaf of [null, 'nobody']) expect(ids(Tree.of(stored, leaf).branch())).toBe('q1 a1');
    expect(ids(Tree.of(stored, 'q2').branch())).toBe('q1 a1b q2');
    expect(ids(Tree.of([...stored].reverse(), null).branch())).toBe('q1 a1');
    // The later of two equally new messages wins.
    expect(ids(Tree.of([node('a', null, 1), node('b', null, 1)], null).branch())).toBe('b');
    expect(Tree.of([node('a', null, 1), node('a', null, 2)], null).size).toBe(1);
  });

  it('goes on with the branch that was shown last, also where another one of it was removed', () => {
    const tree = sample();
    tree.add(node('q2b', 'a1', 5));
    tree.add(node('q2c', 'a1', 6));
    tree.switchTo('q2b');
    tree.add(node('q1b', null, 7));
    tree.remove('q2c');
    tree.switchTo('q1');
    expect(ids(tree.branch())).toBe('q1 a1 q2b');
    // The one that was shown is gone: the newest is shown.
    tree.switchTo('q2');
    tree.switchTo('q1b');
    tree.remove('q2');
    tree.switchTo('q1');
    expect(ids(tree.branch())).toBe('q1 a1 q2b');
  });

  it('keeps siblings of the same millisecond in the order in which they came', () => {
    const tree = new Tree<Node>();
    for (const id of ['a', 'b', 'c']) tree.add(node(id, null, 1));
    expect(ids(tree.siblings('a'))).toBe('a b c');
  });

  it('is made of what was kept, without what hangs on nothing', () => {
    const kept = [
      node('a', 'q', 2),
      node('q', null, 1),
      node('lost', 'nobody', 3),
      node('one', 'other', 4),
      node('other', 'one', 5),
      node('self', 'self', 6),
    ];
    const tree = Tree.of(kept, 'lost');
    expect(tree.size).toBe(2);
    expect(ids(tree.branch())).toBe('q a');
  });

  it('holds a conversation of 100,000 messages', () => {
    const chain = Array.from({ length: 1e5 }, (_, i) => node(`${i}`, i ? `${i - 1}` : null, i));
    const tree = Tree.of(chain, null);
    expect(tree.branch().length).toBe(1e5);
    expect(tree.remove('1').length).toBe(1e5 - 1);
  });

  interface Edit {
    do: 'add' | 'sibling' | 'first' | 'switch' | 'remove';
    at: number;
    created: number;
  }
  const edits: fc.Arbitrary<Edit[]> = fc.array(
    fc.record({
      do: fc.constantFrom('add', 'add', 'sibling', 'sibling', 'first', 'switch', 'remove'),
      at: fc.nat(1000),
      created: fc.nat(20),
    }),
    { maxLength: 80 },
  );

  it('keeps its order whatever is done to it', () => {
    fc.assert(
      fc.property(edits, (all) => {
        const tree = new Tree<Node>();
        /** A plain list as the reference. */
        const model = new Map<string, Node>();
        let count = 0;
        for (const edit of all) {
          const known = [...model.values()];
          const target = known[edit.at % Math.max(1, known.length)];
          if (edit.do === 'remove' || edit.do === 'switch') {
            if (!target) continue;
            if (edit.do === 'switch') {
              tree.switchTo(target.id);
              expect(ids(tree.branch()).split(' ')).toContain(target.id);
            } else {
              const before = tree.branch();
              const gone = new Set(tree.remove(target.id).map(({ id }) => id));
              for (const [id, each] of model) {
                let up: Node | undefined = each;
                while (up && up.id !== target.id) up = known.find((other) => other.id === up?.parent);
                expect(gone.has(id)).toBe(up !== undefined);
              }
              for (const id of gone) model.delete(id);
              // Removing a message elsewhere leaves the shown branch as it was.
              if (!before.some(({ id }) => gone.has(id))) expect(tree.branch()).toEqual(before);
            }
          } else {
            const parent = edit.do === 'first' ? null : edit.do === 'add' ? tree.leaf : (target?.parent ?? null);
            const added = node(`n${++count}`, parent, edit.created);
            tree.add(added);
            model.set(added.id, added);
            expect(tree.leaf).toBe(added.id);
          }
          // Invariants.
          expect(tree.size).toBe(model.size);
          const branch = tree.branch();
          expect(branch.at(-1)?.id ?? null).toBe(tree.leaf);
          for (const [i, each] of branch.entries()) expect(each.parent).toBe(branch[i - 1]?.id ?? null);
          expect([...model.values()].some(({ parent }) => parent !== null && parent === tree.leaf)).toBe(false);
          expect(tree.leaf === null).toBe(model.size === 0);
          for (const each of model.values()) {
            const siblings = tree.siblings(each.id);
            expect(siblings).toContain(each);
            expect(new Set(siblings.map(({ id }) => id)).size).toBe(siblings.length);
            expect(siblings.length).toBe([...model.values()].filter(({ parent }) => parent === each.parent).length);
            for (const [i, sibling] of siblings.entries())
              if (i > 0) expect(siblings[i - 1]?.created).toBeLessThanOrEqual(sibling.created);
          }
        }
        // The tree can be rebuilt from its messages.
        const again = Tree.of([...model.values()].reverse(), tree.leaf);
        expect(ids(again.branch())).toBe(ids(tree.branch()));
        expect(again.size).toBe(tree.size);
      }),
      { numRuns: 300 },
    );
  });
});
