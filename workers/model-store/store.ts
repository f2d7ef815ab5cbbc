/**
 * @file The model store: downloads, imports, checks, lists, exports and removes models. Whatever changes a model holds a
 * Web Lock of its key across all tabs, so that two never write to one file. Failures are StoreErrors, or DOMExceptions of
 * the browser that `toStoreError` (directory.ts) understands.
 */
import {
  type ImportReport,
  type BundleFile,
  type ModelPlan,
  type ModelSource,
  type PickedFile,
  type StoredModel,
  StoreError,
  type StoreProgress,
} from '../../protocol/store.ts';
import { checkParts } from './check-parts.ts';
import { folderOf, readFile, removeFolders, storedKeys, toStoreError } from './directory.ts';
import { fetchParts } from './fetch-parts.ts';
import { bundleFilesOf, writeBundle } from './offline-bundle.ts';
import { describePlan, type Plan, sizeOf } from './plan.ts';
import { Progress } from './progress.ts';
import { hubBytes, planHub } from './sources/hub.ts';
import { mirrorBytes, planMirror } from './sources/mirror.ts';
import { pickedBytes, PickedFiles } from './sources/picked.ts';
import { type ByteSource, SourceFailure } from './sources/source.ts';
import {
  describeStored,
  deleteManifest,
  recordUse,
  readPlan,
  withRecord,
  writeManifest,
  writePlan,
} from './stored-model.ts';

type OnProgress = (progress: StoreProgress) => void;
type Phase = StoreProgress['phase'];

const lockNameOf = (key: string): string => `fournil-model:${key}`;

/** Turns a source's failure into an error for the person, who is waiting for a plan: there is no point in trying again. */
const asStoreError = (cause: unknown): unknown => {
  if (!(cause instanceof SourceFailure)) return cause;
  const codes = { gone: 'not-found', unsatisfiable: 'source-bad', refused: 'host-refused' } as const;
  const { kind } = cause;
  return new StoreError(kind in codes ? codes[kind as keyof typeof codes] : 'network', cause.message);
};

async function planOf(source: ModelSource, signal: AbortSignal): Promise<Plan> {
  try {
    switch (source.kind) {
      case 'hub':
        return await planHub(source, signal);
      case 'mirror':
        return await planMirror(source, signal);
      case 'files':
        throw new StoreError('missing', 'the files have to be picked again');
    }
  } catch (cause) {
    throw asStoreError(cause);
  }
}

function bytesOf(source: ModelSource): ByteSource {
  switch (source.kind) {
    case 'hub':
      return hubBytes(source);
    case 'mirror':
      return mirrorBytes(source);
    case 'files':
      throw new StoreError('missing', 'the files have to be picked again');
  }
}

/** Runs `change` while no other tab changes the model. Reports where it has to wait for one. */
async function withModelLock<T>(
  plan: Plan,
  signal: AbortSignal,
  onProgress: OnProgress,
  change: () => Promise<T>,
): Promise<T> {
  const { key } = plan;
  const free = await navigator.locks.request(lockNameOf(key), { ifAvailable: true }, async (lock) =>
    lock ? { value: await change() } : null,
  );
  if (free) return free.value;
  // From here on the other tab broadcasts how far it is.
  startProgress(plan, 'fetching', onProgress).setWaiting({ reason: 'other-tab', until: null });
  return navigator.locks.request(lockNameOf(key), { signal }, change);
}

const startProgress = (plan: Plan, phase: Phase, onProgress: OnProgress): Progress =>
  new Progress({ key: plan.key, id: plan.id, phase, total: sizeOf(plan) }, onProgress);

/** Checks that the browser has space for files that are not there yet at full length, as far as it tells. */
async function checkQuota(plan: Plan, folder: FileSystemDirectoryHandle): Promise<void> {
  let needed = 0;
  for (const { path, size } of plan.files) needed += Math.max(0, size - ((await readFile(folder, path))?.size ?? 0));
  const { quota, usage } = await navigator.storage.estimate();
  if (quota !== undefined && usage !== undefined && quota - usage < needed)
    throw new StoreError('quota', `${needed} bytes are needed, ${Math.max(0, quota - usage)} are free`);
}

/** Downloads what is missing and completes the model. The caller holds the lock. */
async function download(plan: Plan, source: ByteSource, progress: Progress, signal: AbortSignal) {
  return withRecord(plan, async (record) => {
    const folder = await folderOf('models', plan.key, true);
    await checkQuota(plan, folder);
    const unavailable = await fetchParts(folder, record, source, progress, signal);
    if (record.complete) await writeManifest(plan, record);
    return unavailable;
  });
}

async function fetchPlanned(plan: Plan, signal: AbortSignal, onProgress: OnProgress): Promise<StoredModel> {
  return withModelLock(plan, signal, onProgress, async () => {
    const before = await describeStored(plan);
    // Another tab may have finished it while this one waited.
    if (!before.complete) {
      await writePlan(plan);
      await download(plan, bytesOf(plan.source), startProgress(plan, 'fetching', onProgress), signal);
    }
    return describeStored(plan);
  });
}

async function requirePlan(key: string): Promise<Plan> {
  const plan = await readPlan(key);
  if (!plan) throw new StoreError('missing', key);
  return plan;
}

/**
 * Describes what a source has, without downloading anything large.
 * @param source a repository or a mirror.
 * @param signal stops looking.
 * @returns the plan, and how much of it is stored already.
 * @throws StoreError `not-a-model`, `not-found`, `host-refused`, `network` or `source-bad`.
 */
export async function plan(source: ModelSource, signal: AbortSignal): Promise<ModelPlan> {
  const planned = await planOf(source, signal);
  const { present } = await describeStored((await readPlan(planned.key)) ?? planned).catch(() => ({ present: 0 }));
  return describePlan(planned, present);
}

/**
 * Downloads a model, or what is missing of it.
 * @param source a repository or a mirror.
 * @param signal pauses the download.
 * @param onProgress receives progress.
 * @returns the stored model.
 * @throws StoreError as `plan` does, or `quota` where there is no space.
 */
export const fetchModel = async (
  source: ModelSource,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<StoredModel> => fetchPlanned(await planOf(source, signal), signal, onProgress);

/**
 * Continues a download from where it stopped, at the revision it began with.
 * @param key the model's key.
 * @param signal pauses the download.
 * @param onProgress receives progress.
 * @returns the stored model.
 * @throws StoreError as `fetchModel` does, or `missing` where the model is not known or its files have to be picked again.
 */
export const resumeModel = async (key: string, signal: AbortSignal, onProgress: OnProgress): Promise<StoredModel> =>
  fetchPlanned(await requirePlan(key), signal, onProgress);

/** Plans picked files. Where they do not say themselves what they are, they may complete an unfinished model. */
async function planFor(files: PickedFiles): Promise<Plan> {
  try {
    const picked = await files.plan({ kind: 'files' });
    const known = await readPlan(picked.key);
    // A model that came from the network keeps that source, and can be repaired from there later.
    return known && known.source.kind !== 'files' ? { ...picked, source: known.source } : picked;
  } catch (cause) {
    for (const model of await listModels()) {
      const unfinished = model.complete ? null : await readPlan(model.key);
      if (unfinished?.files.some((file) => files.bytesOf(file)?.size === file.size)) return unfinished;
    }
    throw cause;
  }
}

/**
 * Copies a model from picked files into the store.
 * @param picked files of a folder or of an offline bundle, or those that were missing before.
 * @param signal stops the copy.
 * @param onProgress receives progress.
 * @returns the model, and which files are missing, wrong or unrelated.
 * @throws StoreError `not-a-model` where the files do not say what they are, or `quota`.
 */
export async function importFiles(
  picked: PickedFile[],
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<ImportReport> {
  const files = new PickedFiles(picked);
  const wanted = await planFor(files);
  return withModelLock(wanted, signal, onProgress, async () => {
    const progress = startProgress(wanted, 'copying', onProgress);
    await writePlan(wanted);
    const { missing, wrong } = await download(wanted, pickedBytes(files), progress, signal);
    // A file that was stored before is not read now, but it does belong to the model.
    for (const file of wanted.files) files.bytesOf(file);
    return { model: await describeStored(wanted), missing, wrong, unrelated: files.unrelated };
  });
}

/**
 * Hashes everything that is stored of a model and downloads damaged parts again.
 * @param key the model's key.
 * @param signal stops the check.
 * @param onProgress receives progress.
 * @returns the whole model.
 * @throws StoreError `damaged` where its source cannot be asked again, `missing` where it is not whole.
 */
export async function checkModel(key: string, signal: AbortSignal, onProgress: OnProgress): Promise<StoredModel> {
  const known = await requirePlan(key);
  return withModelLock(known, signal, onProgress, async () => {
    const progress = startProgress(known, 'checking', onProgress);
    const damaged = await withRecord(known, async (record) => {
      const found = await checkParts(known, record, progress, signal);
      if (!record.complete) await deleteManifest(key);
      return found;
    });
    if (damaged.length) {
      if (known.source.kind === 'files') throw new StoreError('damaged', damaged.join(', '));
      progress.setPhase('fetching');
      await download(known, bytesOf(known.source), progress, signal);
    }
    if (!(await describeStored(known)).complete) throw new StoreError('missing', `${key} is not whole`);
    await recordUse(key);
    return describeStored(known);
  });
}

/**
 * Lists the models in the store.
 * @returns whole and unfinished models, sorted by key.
 */
export async function listModels(): Promise<StoredModel[]> {
  const models: StoredModel[] = [];
  for (const key of await storedKeys()) {
    const known = await readPlan(key);
    if (known) models.push(await describeStored(known));
  }
  return models;
}

/**
 * Deletes models.
 * @param key the key of one model, or null for everything that is stored, remains of models included.
 * @throws StoreError `busy` where a model is being downloaded or checked.
 */
export async function removeModels(key: string | null): Promise<void> {
  for (const each of key === null ? await storedKeys() : [key]) {
    const removed = await navigator.locks.request(lockNameOf(each), { ifAvailable: true }, async (lock) => {
      if (lock) await removeFolders(each);
      return lock !== null;
    });
    if (!removed) throw new StoreError('busy', `${each} is being fetched or checked`);
  }
}

/**
 * Makes the offline bundle of a whole model.
 * @param key the model's key.
 * @returns its files, in the order in which they are to be written.
 * @throws StoreError `missing` where the model is not whole.
 */
export const offlineBundle = (key: string): Promise<BundleFile[]> => bundleFilesOf(key);

/**
 * Writes the offline bundle of a whole model into a folder.
 * @param key the model's key.
 * @param directory a folder that the person chose.
 * @param signal stops the copy.
 * @param onProgress receives progress.
 * @throws StoreError `missing` where the model is not whole, `quota` where the folder is full.
 */
export async function exportModel(
  key: string,
  directory: FileSystemDirectoryHandle,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<void> {
  const known = await requirePlan(key);
  const bundle = await bundleFilesOf(key);
  const total = bundle.reduce((sum, { blob }) => sum + blob.size, 0);
  const progress = new Progress({ key, id: known.id, phase: 'copying', total }, onProgress);
  await writeBundle(bundle, directory, progress, signal).catch((cause: unknown) => {
    throw toStoreError(cause);
  });
}
