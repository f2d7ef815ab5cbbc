/** Which model a conversation asks for, against the one that is open: nothing is switched without a person's word. */
import type { StoredModel } from '../../../protocol/store.ts';
import type { ConversationSettings } from '../../conversations/records.ts';
import type { Choice } from '../../models/model.svelte.ts';

const sameModel = (one: Choice | null, other: Choice | null): boolean => one?.key === other?.key;

export type Wanted =
  /** The open one answers. */
  | { is: 'open' }
  /** Another one is asked for, and can be opened. */
  | { is: 'other'; model: Choice | null }
  /** It is no longer on this computer. */
  | { is: 'gone'; model: Choice };

/** @param stored null: not known yet. */
export function wantedModel(
  { model }: ConversationSettings,
  open: Choice | null,
  stored: readonly Pick<StoredModel, 'key' | 'complete'>[] | null,
): Wanted {
  if (model === undefined || sameModel(model, open)) return { is: 'open' };
  const here = model === null || stored === null || stored.some(({ key, complete }) => key === model.key && complete);
  return here ? { is: 'other', model } : { is: 'gone', model };
}

/** The settings of a conversation that is answered by whichever model is open. */
export function withoutModel({ model: _model, ...settings }: ConversationSettings): ConversationSettings {
  return settings;
}
