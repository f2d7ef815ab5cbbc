/** Leaves old turns out of the prompt of a full conversation. They stay on the page and in storage. */
import type { Memory } from '../../conversations/records.ts';
import { planTrim } from './context-budget.ts';
import { visibleTurns } from './prompt-turns.ts';

interface TurnLike {
  id: string;
  role: 'user' | 'assistant';
}

/** The questions in the prompt; each begins an exchange. */
export const visibleQuestions = <Turn extends TurnLike>(turns: readonly Turn[], memory: Memory): Turn[] =>
  visibleTurns(turns, memory).filter(({ role }) => role === 'user');

/**
 * Leaves the oldest exchanges out.
 * @param count tokens of the prompt with this memory
 * @returns the new memory; null if the last exchange alone fills the context
 */
export async function trimOldest(
  turns: readonly TurnLike[],
  memory: Memory,
  contextTokens: number,
  count: (memory: Memory) => Promise<number>,
): Promise<Memory | null> {
  const questions = visibleQuestions(turns, memory);
  const beginningAt = (index: number): Memory => {
    const from = questions[index]?.id;
    return from === undefined ? memory : { ...memory, from };
  };
  const cut = await planTrim(questions.length, contextTokens, (from) => count(beginningAt(from)));
  return cut && cut.promptTokens < contextTokens ? beginningAt(cut.from) : null;
}
