/** One model in the store: its plan, the record of its parts, and what is known of its use. */
import { type Manifest, MANIFEST_FORMAT, type ManifestFile } from '../../protocol/manifest.ts';
import { StoreError, type StoredModel } from '../../protocol/store.ts';
import { fileAt, folderOf, MANIFEST, openSync, readFile, writeFile } from './directory.ts';
import { PartRecord, partsOf } from './parts.ts';
import { describePlan, type Plan } from './plan.ts';

const PLAN = 'plan.json';
const RECORD = 'parts.bin';
const LAST_USED = 'used.json';

/** @returns null where there is no such model. */
export async function readPlan(key: string): Promise<Plan | null> {
  const folder = await folderOf('records', key).catch(() => null);
  const file = folder && (await readFile(folder, PLAN));
  if (!file) return null;
  try {
    return JSON.parse(await file.text()) as Plan;
  } catch {
    // Cut off while it was written: nothing had been fetched yet.
    return null;
  }
}

export const writePlan = async (plan: Plan): Promise<void> =>
  writeFile(await folderOf('records', plan.key, true), PLAN, JSON.stringify(plan));

/** What is stored of a model, without disturbing who may be writing to it. */
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

export const recordUse = async (key: string): Promise<void> =>
  writeFile(await folderOf('records', key), LAST_USED, JSON.stringify(Date.now()));

/** Opens the record for writing, for as long as `use` takes. */
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

/** Of a large file that came from a folder without a manifest. */
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

/** Writes manifest.json: from then on the folder is a whole model. */
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

/** Takes manifest.json away: the model is not whole any more. */
export async function deleteManifest(key: string): Promise<void> {
  const folder = await folderOf('models', key);
  await folder.removeEntry(MANIFEST).catch(() => undefined);
}
