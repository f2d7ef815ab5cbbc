/** What is remembered of stored models and running downloads outside the store itself, to notice what changed meanwhile. */
import { keep, keepHere, recall, recallHere } from '../settings/storage.ts';

export interface KnownModel {
  key: string;
  id: string;
  /** Bytes that were stored. */
  size: number;
}

const STORED = 'stored-models';
const FETCHING = 'fetching';

function readList<T>(text: string | null): T[] {
  try {
    const list = JSON.parse(text ?? '[]') as unknown;
    return Array.isArray(list) ? (list as T[]) : [];
  } catch {
    return [];
  }
}

/** What was stored at the last visit. */
export const recallKnownModels = (): KnownModel[] => readList(recall(STORED));

export function rememberModels(models: readonly KnownModel[]): void {
  if (models.length > 0 || recall(STORED) !== null) keep(STORED, JSON.stringify(models));
}

/** Keys of what this tab was fetching before it was reloaded. */
export const recallDownloads = (): string[] => readList(recallHere(FETCHING));

export const rememberDownloads = (keys: readonly string[]): void => keepHere(FETCHING, JSON.stringify(keys));
