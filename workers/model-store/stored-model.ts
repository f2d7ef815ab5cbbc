/** @file One model in the store: its plan, the record of its parts, its manifest, and when it was last used. */
import { type Manifest, MANIFEST_FORMAT, type ManifestFile } from '../../protocol/manifest.ts';
import { StoreError, type StoredModel } from '../../protocol/store.ts';
import { fileAt, folderOf, MANIFEST, openSync, readFile, writeFile } from './directory.ts';
import { PartRecord, partsOf } from './parts.ts';
import { describePlan, type Plan } from './plan.ts';

const PLAN = 'plan.json';
const RECORD = 'parts.bin';
const LAST_USED = 'used.json';

/**
 * Reads a model's plan.
 * @param key the model's key.
 * @returns the plan, or null where there is none that can be read.
 */
export async function readPlan(key: string): Promise<Plan | null> {
  const folder = await folderOf('records', key).catch(() => null);
  const file = folder && (await readFile(folder, PLAN));
  if (!file) return null;
  try {
    return JSON.parse(await file.text()) as Plan;
  } catch {
    // The plan was cut off while it was written, and nothing had been downloaded yet.
    return null;
  }
}

/**
 * Keeps a plan, so that its download can be continued.
 * @param plan the plan, which replaces an earlier one of the same key.
 * @returns a promise that resolves when it is written.
 */
export const writePlan = async (plan: Plan): Promise<void> =>
  writeFile(await folderOf('records', plan.key, true), PLAN, JSON.stringify(plan));

/**
 * Describes what is stored of a model. Takes no lock, so that another tab may be writing meanwhile.
 * @param plan the model's plan.
 * @returns a summary for the page.
 */
export async function describeStored(plan: Plan): Promise<StoredModel> {
  const records = await folderOf('records', plan.key).catch(() => null);
  const kept = records && (await readFile(records, RECORD));
  const used = records && (await readFile(records, LAST_USED));
  const record = new PartRecord(partsOf(plan), kept ? new Uint8Array(await kept.arrayBuffer()) : new Uint8Array());
  const models = await folderOf('models', plan.key).catch(() => null);
  const lastUsed: unknown = used ? JSON.parse((await used.text()) || 'null') : null;
  return {
    ...describePlan(plan, record.present),
    complete: models !== null && (await readFile(models, MANIFEST)) !== null,
    lastUsed: typeof lastUsed === 'number' ? lastUsed : null,
  };
}

/**
 * Notes that a model is used now.
 * @param key the key of a stored model.
 * @returns a promise that resolves when it is written.
 */
export const recordUse = async (key: string): Promise<void> =>
  writeFile(await folderOf('records', key), LAST_USED, JSON.stringify(Date.now()));

/**
 * Opens a model's record for writing, for as long as `use` takes.
 * @param plan the model's plan.
 * @param use works with the record.
 * @returns the result of `use`.
 * @throws DOMException `NoModificationAllowedError` where another worker has it open.
 */
export async function withRecord<T>(plan: Plan, use: (record: PartRecord) => Promise<T>): Promise<T> {
  const file = await openSync(await fileAt(await folderOf('records', plan.key, true), RECORD, true));
  try {
    const kept = new Uint8Array(file.getSize());
    file.read(kept, { at: 0 });
    return await use(new PartRecord(partsOf(plan), kept, file));
  } finally {
    file.close();
  }
}

async function manifestFile(
  plan: Plan,
  record: PartRecord,
  path: string,
  folder: FileSystemDirectoryHandle,
): Promise<ManifestFile> {
  const own = record.parts.filter((part) => part.file.path === path);
  const [first] = own;
  if (!first) throw new StoreError('internal', `${path} is not in the plan`);
  const parts = own.map((part) => record.hash(part));
  const known = own.length === 1 ? parts[0] : first.file.sha256;
  return { path, size: first.file.size, sha256: known ?? (await hashOf(folder, path)), parts };
}

/** SHA-256 of a stored file, in hex. Only large files from a folder without a manifest need it. */
async function hashOf(folder: FileSystemDirectoryHandle, path: string): Promise<string> {
  const { createSHA256 } = await import('hash-wasm');
  const hash = await createSHA256();
  const reader = (await (await fileAt(folder, path)).getFile()).stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return hash.digest();
    hash.update(value);
  }
}

/**
 * Writes manifest.json, which makes the folder a whole model.
 * @param plan the model's plan.
 * @param record of its parts, all of them verified.
 * @throws StoreError `internal` where the record does not belong to the plan.
 */
export async function writeManifest(plan: Plan, record: PartRecord): Promise<void> {
  const folder = await folderOf('models', plan.key);
  const { id, revision, licence, baseModel, contextLength, imageAttention, cache, sessions } = plan;
  const files: ManifestFile[] = [];
  for (const { path } of plan.files) files.push(await manifestFile(plan, record, path, folder));
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    ...{ id, revision, licence, baseModel, contextLength, imageAttention, cache, sessions },
    files,
  };
  await writeFile(folder, MANIFEST, JSON.stringify(manifest));
}

/**
 * Deletes manifest.json, so that the model does not count as whole.
 * @param key the model's key.
 */
export async function deleteManifest(key: string): Promise<void> {
  const folder = await folderOf('models', key);
  await folder.removeEntry(MANIFEST).catch(() => undefined);
}
