import { describe, expect, it } from 'vitest';
import type { Memory } from '../../conversations/records.ts';
import { trimOldest } from './trim-history.ts';
import { firstVisibleTurn, visibleTurns, systemText } from './prompt-turns.ts';

const turns = Array.from({ length: 20 }, (_, i) => ({
  id: `turn ${i}`,
  role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
}));
/** Each turn is 10 tokens. */
const count = (memory: Memory) => Promise.resolve(10 * visibleTurns(turns, memory).length);

describe('trimOldest', () => {
  it('begins with a question, and keeps what else is remembered', async () => {
    const memory = await trimOldest(turns, { summary: 'Before.', whenFull: 'leaveOut' }, 200, count);
    expect(memory).toEqual({ summary: 'Before.', whenFull: 'leaveOut', from: 'turn 10' });
    expect(firstVisibleTurn(turns, memory ?? {})).toBe(turns[10]);
  });

  it('goes on from where it left out last', async () => {
    expect(await trimOldest(turns, { from: 'turn 10' }, 100, count)).toEqual({ from: 'turn 16' });
  });

  it('makes no room where the last exchange alone takes it all', async () => {
    expect(await trimOldest(turns, { from: 'turn 18' }, 20, count)).toBeNull();
    expect(await trimOldest(turns, {}, 20, count)).toBeNull();
    expect(await trimOldest([], {}, 20, count)).toBeNull();
  });
});

describe('what the model is told', () => {
  it('is all of a branch that does not have the turn it would begin with', () => {
    expect(visibleTurns(turns, { from: 'gone' })).toBe(turns);
    expect(visibleTurns(turns, {})).toBe(turns);
    expect(firstVisibleTurn(turns, { from: 'turn 0' })).toBeNull();
  });

  it('begins with the system prompt and what was said before', () => {
    const settings = { system: ' Be brief. ', sampling: {} };
    expect(systemText(settings, {}, 'Before:')).toBe('Be brief.');
    expect(systemText(settings, { summary: ' Cats. ' }, 'Before:')).toBe('Be brief.\n\nBefore:\nCats.');
    expect(systemText({ ...settings, system: '' }, { summary: ' ' }, 'Before:')).toBe('');
  });
});
