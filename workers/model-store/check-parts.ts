/** @file Finds damage: bytes that are on the disk, but are not those that were stored. */
import { folderOf, readFile } from './directory.ts';
import { sha256 } from './hashing.ts';
import type { Part, PartRecord } from './parts.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';

/** One part is read while the other is hashed. */
const CONCURRENT_READS = 2;

/**
 * Hashes every stored part of a model and marks damaged ones as missing in the record.
 * @param plan the model's files.
 * @param record of its parts, open for writing.
 * @param progress receives the number of checked bytes.
 * @param signal stops the check.
 * @returns paths of files with damaged parts.
 * @throws the signal's reason.
 */
export async function checkParts(
  plan: Plan,
  record: PartRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<string[]> {
  const folder = await folderOf('models', plan.key, true);
  const files = new Map<string, Promise<File | null>>();
  const fileOf = (path: string): Promise<File | null> => {
    const known = files.get(path) ?? readFile(folder, path);
    files.set(path, known);
    return known;
  };
  const isIntact = async (part: Part): Promise<boolean> => {
    const file = await fileOf(part.file.path);
    const bytes = file?.slice(part.offset, part.offset + part.length);
    // A disk that cannot be read is as bad as one that gives other bytes.
    const content = await bytes?.arrayBuffer().catch(() => null);
    return content?.byteLength === part.length && (await sha256(new Uint8Array(content))) === record.hash(part);
  };

  const damaged = new Set<string>();
  const stored = record.parts.filter((part) => record.state(part) !== 'missing').values();
  let done = 0;
  const checkRemaining = async (): Promise<void> => {
    for (const part of stored) {
      signal.throwIfAborted();
      if (!(await isIntact(part))) {
        damaged.add(part.file.path);
        record.set(part, 'missing');
      }
      done += part.length;
      progress.update(done);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_READS }, checkRemaining));
  return [...damaged];
}
