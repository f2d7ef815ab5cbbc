/** What a lesson asks of a model, and what this computer has for it. */
import type { ModelSource, StoredModel } from '../../protocol/store.ts';
import { CATALOGUE, nameOf, readSource } from '../models/catalogue.ts';
import type { Choice, ModelStore } from '../models/model.svelte.ts';
import type { Lesson, LessonNeed } from './lesson.ts';

export type WantedModel =
  /** Whichever is open. */
  | { is: 'any' }
  | { is: 'here'; choice: Choice | null }
  /** `size`: bytes to download, about, where they are known without asking the source. */
  | { is: 'missing'; name: string; source: ModelSource; size: number | null }
  /** This site may not fetch it from where it is said to be. */
  | { is: 'out-of-reach'; name: string };

const BUILT_IN = 'built-in';

/** What of the library is looked at. */
interface Stored {
  storedFrom: (source: ModelSource) => StoredModel | undefined;
}

export function wantedModel({ model }: Lesson, stored: Stored, base: string): WantedModel {
  if (!model) return { is: 'any' };
  if (model.id === BUILT_IN) return { is: 'here', choice: null };
  const name = nameOf(model.id);
  const source = readSource(model.source ?? model.id, base);
  if ('refused' in source) return { is: 'out-of-reach', name };
  const found = stored.storedFrom(source);
  if (found?.complete) return { is: 'here', choice: { key: found.key, id: found.id } };
  const known = CATALOGUE.find(({ repo }) => source.kind === 'hub' && repo === source.repo);
  const size = found ? found.size - found.present : (known?.size ?? null);
  return { is: 'missing', name, source, size };
}

/** What the model would be that answers if the lesson were begun now. */
export const choiceFor = (wanted: WantedModel, open: Choice | null): Choice | null =>
  wanted.is === 'here' ? wanted.choice : open;

/** What of the lesson's needs that model does not have; null: nothing, as far as is known. */
export function lackOf(
  { needs }: Lesson,
  choice: Choice | null,
  models: Pick<ModelStore, 'state' | 'choice'>,
  stored: readonly StoredModel[],
): LessonNeed | null {
  if (choice === null) return needs.includes('language') ? 'language' : null;
  if (!needs.includes('pictures')) return null;
  const isOpen = models.choice?.key === choice.key && models.state.is === 'ready';
  const sees = isOpen && models.state.is === 'ready' ? models.state.model.vision : visionOf(choice, stored);
  return sees ? null : 'pictures';
}

const visionOf = ({ key, id }: Choice, stored: readonly StoredModel[]): boolean =>
  stored.find((model) => model.key === key)?.vision ?? CATALOGUE.find(({ repo }) => repo === id)?.vision ?? true;
