/** Reads all that is stored of a model and marks what is damaged as missing. */
import { StoreError } from '../../protocol/store.ts';
import { folderOf, readFile } from './directory.ts';
import { sha256 } from './fetch-parts.ts';
import type { PartRecord } from './parts.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';

/** @returns paths with damaged parts. */
export async function checkParts(
  plan: Plan,
  record: PartRecord,
  progress: Progress,
  signal: AbortSignal,
): Promise<string[]> {
  const folder = await folderOf('models', plan.key, true);
  const damaged = new Set<string>();
  const files = new Map<string, File | null>();
  let done = 0;
  for (const part of record.parts) {
    if (signal.aborted) throw new StoreError('aborted');
    if (record.state(part) === 'missing') continue;
    const { path } = part.file;
    const file = files.get(path) ?? (await readFile(folder, path));
    files.set(path, file);
    const bytes = file?.slice(part.offset, part.offset + part.length);
    // A disk that cannot be read is as bad as one that gives other bytes.
    const content = await bytes?.arrayBuffer().catch(() => null);
    if (
      !content ||
      content.byteLength !== part.length ||
      (await sha256(new Uint8Array(content))) !== record.hash(part)
    ) {
      damaged.add(path);
      record.set(part, 'missing');
    }
    done += part.length;
    progress.at(done);
  }
  return [...damaged];
}
