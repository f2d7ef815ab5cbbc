/** Compares the model that a conversation asks for with the loaded one. Nothing is switched without the person's consent. */
import type { StoredModel } from '../../../protocol/store.ts';
import type { ConversationSettings } from '../../conversations/records.ts';
import type { Choice } from '../../models/model.svelte.ts';

const sameModel = (one: Choice | null, other: Choice | null): boolean => one?.key === other?.key;

export type Wanted =
  /** The loaded model answers. */
  | { is: 'open' }
  /** The conversation asks for another model, which can be loaded. */
  | { is: 'other'; model: Choice | null }
  /** The model that it asks for is no longer on this device. */
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

/** Returns the settings without a certain model: the loaded one answers. */
export function withoutModel({ model: _model, ...settings }: ConversationSettings): ConversationSettings {
  return settings;
}
