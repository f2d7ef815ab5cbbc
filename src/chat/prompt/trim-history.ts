/** Making room in a full conversation: which turns the model no longer sees. They stay readable, and stored. */
import type { Memory } from '../../conversations/records.ts';
import { planTrim } from './context-budget.ts';
import { visibleTurns } from './prompt-turns.ts';

interface TurnLike {
  id: string;
  role: 'user' | 'assistant';
}

/** The questions that the model sees: with each begins an exchange. */
export const visibleQuestions = <Turn extends TurnLike>(turns: readonly Turn[], memory: Memory): Turn[] =>
  visibleTurns(turns, memory).filter(({ role }) => role === 'user');

/**
 * The memory in which the oldest exchanges are left out.
 * @param count tokens of what the model would be told with a memory.
 * @returns null where that would not make room: the last exchange alone fills the context.
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
