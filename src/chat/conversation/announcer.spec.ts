import { describe, expect, it } from 'vitest';
import { Announcer } from './announcer.svelte.ts';

const said = (announcer: Announcer) => announcer.sentences.map(({ text }) => text);

describe('Announcer', () => {
  it('says sentences as they end, and the rest at the end', () => {
    const announcer = new Announcer();
    for (const piece of ['The cir', 'cle is red. Th', 'ere are 3.5 of', ' them! And']) announcer.hear(piece);
    expect(said(announcer)).toEqual(['The circle is red.', 'There are 3.5 of them!']);
    announcer.end();
    expect(said(announcer).at(-1)).toBe('And');
  });

  it('says nothing of nothing', () => {
    const announcer = new Announcer();
    announcer.hear('  ');
    announcer.end();
    expect(said(announcer)).toEqual([]);
  });

  it('leaves out what is for the eye', () => {
    const announcer = new Announcer();
    announcer.hear(
      '## Forms\n- **Two** `circles`, [here](https://example.org).\n« Vraiment ?\u202f» 2 * 3 is snake_case. ',
    );
    expect(said(announcer)).toEqual(['Forms\nTwo circles, here.\n« Vraiment ?\u202f» 2 * 3 is snake_case.']);
  });

  it('forgets the oldest, and names no two alike', () => {
    const announcer = new Announcer();
    for (let i = 0; i < 50; i++) announcer.hear(`Number ${i}.\n`);
    const ids = announcer.sentences.map(({ id }) => id);
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
    expect(said(announcer).at(-1)).toBe('Number 49.');
  });
});
