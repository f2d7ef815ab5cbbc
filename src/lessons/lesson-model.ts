/** Compares what a lesson needs of a model with the models on this device. */
import type { ModelSource, StoredModel } from '../../protocol/store.ts';
import { CATALOGUE, nameOf, readSource } from '../models/catalogue.ts';
import type { Choice, ModelStore } from '../models/model.svelte.ts';
import type { Lesson, LessonNeed } from './lesson.ts';

export type LessonModel =
  /** The lesson names no model: the loaded one answers. */
  | { is: 'any' }
  | { is: 'available'; choice: Choice | null }
  /** The model must be downloaded. `size` is an estimate in bytes; null where only the source knows it. */
  | { is: 'missing'; name: string; source: ModelSource; size: number | null }
  /** The content security policy does not let this site fetch from the model's source. */
  | { is: 'forbidden'; name: string };

const BUILT_IN = 'built-in';

/** The part of the library that is needed. */
interface Stored {
  storedFrom: (source: ModelSource) => StoredModel | undefined;
}

export function modelForLesson({ model }: Lesson, stored: Stored, base: string): LessonModel {
  if (!model) return { is: 'any' };
  if (model.id === BUILT_IN) return { is: 'available', choice: null };
  const name = nameOf(model.id);
  const source = readSource(model.source ?? model.id, base);
  if ('refused' in source) return { is: 'forbidden', name };
  const found = stored.storedFrom(source);
  if (found?.complete) return { is: 'available', choice: { key: found.key, id: found.id } };
  const known = CATALOGUE.find(({ repo }) => source.kind === 'hub' && repo === source.repo);
  const size = found ? found.size - found.present : (known?.size ?? null);
  return { is: 'missing', name, source, size };
}

/** Returns the model that would answer if the lesson were begun now. */
export const choiceFor = (wanted: LessonModel, open: Choice | null): Choice | null =>
  wanted.is === 'available' ? wanted.choice : open;

/** Returns the first of the lesson's needs that the model does not meet; null where it meets all, as far as is known. */
export function unmetNeed(
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
