/**
 * What of a long conversation the model is told: its system prompt, what was said before in short, and the turns that
 * it still sees.
 */
import type { Memory, ConversationSettings } from '../../conversations/records.ts';

/** The turns from the first that the model still sees; all of them if that one is not on this branch. */
export function visibleTurns<Turn extends { id: string }>(turns: readonly Turn[], { from }: Memory): readonly Turn[] {
  const start = turns.findIndex(({ id }) => id === from);
  return start > 0 ? turns.slice(start) : turns;
}

/** The first turn that the model sees, where it does not see all. */
export const firstVisibleTurn = <Turn extends { id: string }>(turns: readonly Turn[], memory: Memory): Turn | null => {
  const seen = visibleTurns(turns, memory);
  return seen.length < turns.length ? (seen[0] ?? null) : null;
};

export function withAllTurnsVisible({ from: _from, ...memory }: Memory): Memory {
  return memory;
}

/** @param intro the words before what was said before. */
export function systemText({ system }: ConversationSettings, { summary = '' }: Memory, intro: string): string {
  const before = summary.trim() === '' ? '' : `${intro}\n${summary.trim()}`;
  return [system.trim(), before].filter((text) => text !== '').join('\n\n');
}
