/** Remembers stored models and running downloads outside the store, to notice what changed since the last visit. */
import { writeStored, writeSession, readStored, readSession } from '../settings/storage.ts';

export interface KnownModel {
  key: string;
  id: string;
  /** Number of bytes that were stored. */
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

/** The models that were stored at the last visit. */
export const recallKnownModels = (): KnownModel[] => readList(readStored(STORED));

export function rememberModels(models: readonly KnownModel[]): void {
  if (models.length > 0 || readStored(STORED) !== null) writeStored(STORED, JSON.stringify(models));
}

/** Keys of the models that this tab was downloading before it was reloaded. */
export const recallDownloads = (): string[] => readList(readSession(FETCHING));

export const rememberDownloads = (keys: readonly string[]): void => writeSession(FETCHING, JSON.stringify(keys));
