import { describe, expect, it } from 'vitest';
import { Announcer } from './announcer.svelte.ts';

describe('Announcer', () => {
  it('says sentences as they end, and the rest at the end', () => {
    const announcer = new Announcer();
    for (const piece of ['The cir', 'cle is red. Th', 'ere are 3.5 of', ' them! And']) announcer.hear(piece);
    expect(announcer.sentences).toEqual(['The circle is red.', 'There are 3.5 of them!']);
    announcer.end();
    expect(announcer.sentences.at(-1)).toBe('And');
  });

  it('says nothing of nothing', () => {
    const announcer = new Announcer();
    announcer.hear('  ');
    announcer.end();
    expect(announcer.sentences).toEqual([]);
  });
});
