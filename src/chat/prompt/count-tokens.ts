/** Counts the tokens of any prompt, also of one that the engine could not answer as it is. */
import type { ContextUse, Message } from '../../../protocol/engine.ts';
import type { ModelStore } from '../../models/model.svelte.ts';

export type TokenCounter = Pick<ModelStore, 'count'>;

/**
 * The engine only counts prompts that it could answer. This also counts one without a question, or one that ends with
 * its answer.
 */
export async function countPromptTokens(
  models: TokenCounter,
  messages: readonly Message[],
): Promise<ContextUse | null> {
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.content === '') return countPromptTokens(models, messages.slice(0, -1));
  if (last?.role === 'assistant') return models.count([...messages], { continueAnswer: true });
  return models.count(last?.role === 'user' ? [...messages] : [...messages, { role: 'user', content: '' }]);
}
