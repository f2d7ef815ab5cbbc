/**
 * Which part of a long conversation goes into the prompt: the system prompt, the summary of what came before, and the
 * turns that are not left out.
 */
import type { Memory, ConversationSettings } from '../../conversations/records.ts';

/** The turns that go into the prompt. `from` is ignored if it is not on this branch. */
export function visibleTurns<Turn extends { id: string }>(turns: readonly Turn[], { from }: Memory): readonly Turn[] {
  const start = turns.findIndex(({ id }) => id === from);
  return start > 0 ? turns.slice(start) : turns;
}

/** The first turn in the prompt if older ones are left out, else null. */
export const firstVisibleTurn = <Turn extends { id: string }>(turns: readonly Turn[], memory: Memory): Turn | null => {
  const seen = visibleTurns(turns, memory);
  return seen.length < turns.length ? (seen[0] ?? null) : null;
};

export function withAllTurnsVisible({ from: _from, ...memory }: Memory): Memory {
  return memory;
}

/** @param intro introduces the summary */
export function systemText({ system }: ConversationSettings, { summary = '' }: Memory, intro: string): string {
  const before = summary.trim() === '' ? '' : `${intro}\n${summary.trim()}`;
  return [system.trim(), before].filter((text) => text !== '').join('\n\n');
}
