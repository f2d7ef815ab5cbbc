/**
 * @file Downloads a model into a folder that any web server can serve. A run may be interrupted at any moment:
 * manifest.json is written last, and a later run continues with what is there.
 */
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelNameOf } from '../../protocol/hub-models.ts';
import type { Dtype } from '../../protocol/engine.ts';
import { type Manifest, type ManifestFile, parseManifest } from '../../protocol/manifest.ts';
import { addToCatalogue } from './catalogue.ts';
import { MirrorError } from './failure.ts';
import { planFolder } from './plan-folder.ts';
import { resolveRevision, planHub } from './plan-hub.ts';
import { HttpClient, type HttpClientOptions, RangeNotSatisfiable } from './http-client.ts';
import { hashFile, PartialFile, partialPath } from './partial-file.ts';
import { matchesHashes, type MirrorPlan, TRIES, type WantedFile } from './plan.ts';
import { readSource, type Source } from './source.ts';

const MANIFEST = 'manifest.json';
const NOTICE = 'NOTICE';

export interface MirrorOptions extends HttpClientOptions {
  /** A hub id, a short name, or the URL of a model folder. */
  model: string;
  folder: string;
  dtype?: Dtype | undefined;
  /** A branch, tag or commit of the hub. */
  revision?: string | undefined;
  hub?: string | undefined;
  onProgress?: ((progress: { done: number; total: number; tensor: string }) => void) | undefined;
}

export interface Mirrored {
  manifest: Manifest;
  /** Bytes of files that this run received over the network. */
  received: number;
  /** Whether the folder was complete already. */
  wasComplete: boolean;
  /** Whether the model was added to the catalogue beside its folder. */
  addedToCatalogue: boolean;
}

/**
 * The contents of manifest.json.part in a mirror that is not complete, so that a later run continues with the same
 * commit.
 */
interface Unfinished {
  id: string;
  revision: string;
  dtype: Dtype;
}

async function readJson(folder: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown;
  } catch (cause) {
    if (cause instanceof SyntaxError || (cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

async function readStored(folder: string): Promise<Manifest | null> {
  const value = await readJson(folder, MANIFEST);
  try {
    return value === null ? null : parseManifest(value);
  } catch {
    return null;
  }
}

/** Reads what an earlier run left. @throws MirrorError where the folder holds something else */
async function openFolder(folder: string): Promise<{ stored: Manifest | null; unfinished: Unfinished | null }> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException): string[] => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
  if (names.length && !names.includes(MANIFEST) && !names.includes(partialPath(MANIFEST)))
    throw new MirrorError(`${folder} is not empty and holds no mirror: choose another folder.`);
  return {
    stored: await readStored(folder),
    unfinished: (await readJson(folder, partialPath(MANIFEST))) as Unfinished | null,
  };
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

async function expectFreeSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < needed)
    throw new MirrorError(`${gigabytes(needed)} are still to come, and ${gigabytes(bavail * bsize)} are free there.`);
}

class Mirror {
  readonly client: HttpClient;
  received = 0;
  private done = 0;
  private total = 0;

  constructor(private readonly options: MirrorOptions) {
    this.client = new HttpClient(options);
  }

  private report(path: string, more = 0): void {
    this.options.onProgress?.({ done: this.done + more, total: this.total, tensor: path });
  }

  private begin(files: readonly { size: number }[]): void {
    this.total = files.reduce((sum, { size }) => sum + size, 0);
    this.done = 0;
  }

  /** @returns paths of files that are missing or differ from the manifest. */
  async check(manifest: Manifest): Promise<string[]> {
    const wrong: string[] = [];
    this.begin(manifest.files);
    for (const file of manifest.files) {
      let read = 0;
      const found = await hashFile(this.options.folder, file.path, (bytes) => {
        this.options.signal?.throwIfAborted();
        this.report(file.path, (read += bytes));
      });
      if (!found || !matchesHashes(file, found)) wrong.push(file.path);
      this.done += file.size;
    }
    return wrong;
  }

  async fetchAll(plan: MirrorPlan): Promise<ManifestFile[]> {
    const { folder } = this.options;
    const onDisk = await this.bytesOnDisk(plan.files);
    await expectFreeSpace(
      folder,
      plan.files.reduce((sum, { path, size }) => sum + Math.max(0, size - (onDisk.get(path) ?? 0)), 0),
    );
    this.begin(plan.files);
    const files: ManifestFile[] = [];
    for (const file of plan.files) {
      files.push(await this.fetchFile(file, plan.urlOf(file.path)));
      this.done += file.size;
    }
    return files;
  }

  /** @returns the bytes on the disk of each file, right or not. */
  private async bytesOnDisk(files: readonly WantedFile[]): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const { path } of files)
      for (const name of [path, partialPath(path)]) {
        const found = await stat(join(this.options.folder, name)).catch(() => null);
        if (found) sizes.set(path, found.size);
      }
    return sizes;
  }

  private async fetchFile(file: WantedFile, url: string): Promise<ManifestFile> {
    const { folder, onNotice } = this.options;
    const { path } = file;
    this.report(path);
    const whole = await hashFile(folder, path);
    if (whole && matchesHashes(file, whole)) return entryOf(whole);
    if (whole) await rm(join(folder, path));
    for (let tried = 1; ; tried++) {
      const found = await this.fetchOnce(file, url);
      if (found) return found;
      // None of its bytes can be trusted.
      await rm(join(folder, partialPath(path)), { force: true });
      if (tried === TRIES)
        throw new MirrorError(`${url} sends wrong bytes: ${TRIES} times they had not the hash that is said of them.`);
      onNotice?.(`${path} arrived with wrong bytes; it is fetched again.`);
    }
  }

  /** Downloads a file once. @returns its manifest entry, or null when the bytes are wrong */
  private async fetchOnce(file: WantedFile, url: string): Promise<ManifestFile | null> {
    const { folder } = this.options;
    const part = await PartialFile.open(folder, file.path, file.size);
    try {
      this.report(file.path, part.size);
      await this.client.download(
        url,
        file.size,
        () => part.size,
        async (bytes) => {
          await part.write(bytes);
          this.received += bytes.length;
          this.report(file.path, part.size);
        },
      );
      const found = await part.close();
      if (!matchesHashes(file, found)) return null;
      await part.keep();
      return entryOf(found);
    } catch (cause) {
      await part.leave();
      if (cause instanceof RangeNotSatisfiable) return null;
      throw cause;
    }
  }
}

const entryOf = ({ path, size, sha256, parts }: ManifestFile): ManifestFile => ({ path, size, sha256, parts });

/** Gemma's terms ask for this notice beside every copy of the weights. */
const GEMMA_NOTICE =
  'Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n';

const isGemma = ({ licence, id, baseModel }: Manifest): boolean =>
  /gemma/i.test(licence === 'unknown' ? `${id} ${baseModel}` : licence);

/** Writes a file under another name and renames it, so that the name never stands for half a file. */
async function write(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** @throws MirrorError where the folder holds another model, dtype or revision than asked for. */
async function expectSameModel(
  source: Source,
  stored: Manifest,
  dtype: Dtype,
  options: MirrorOptions,
  client: HttpClient,
): Promise<void> {
  const { folder, revision } = options;
  const has = `${folder} holds ${stored.id} (${Object.keys(stored.sessions).join(', ')}), revision ${stored.revision}`;
  let asked = { id: stored.id, revision: stored.revision };
  if (source.kind === 'folder') asked = (await planFolder(source.url, dtype, client)).manifest;
  else
    asked = {
      id: source.hub.repo,
      revision: revision === undefined ? asked.revision : (await resolveRevision(source.hub, revision, client)).commit,
    };
  if (asked.id !== stored.id || !stored.sessions[dtype])
    throw new MirrorError(`${has}: choose another folder for ${asked.id} (${dtype}).`);
  // Pages may be downloading this revision, for which another one's bytes would be wrong.
  if (asked.revision !== stored.revision)
    throw new MirrorError(`${has}: choose another folder for revision ${asked.revision}.`);
}

export async function mirrorModel(options: MirrorOptions): Promise<Mirrored> {
  const { folder, onNotice } = options;
  const source = readSource(options.model, options.hub);
  const { stored, unfinished } = await openFolder(folder);
  const mirror = new Mirror(options);
  const { client } = mirror;
  const dtypes = Object.keys(stored?.sessions ?? {}) as Dtype[];
  const dtype = options.dtype ?? dtypes[0] ?? unfinished?.dtype ?? 'q4';

  if (stored) {
    await expectSameModel(source, stored, dtype, options, client);
    const wrong = await mirror.check(stored);
    if (!wrong.length) {
      const addedToCatalogue = await addToCatalogue(folder, modelNameOf(stored.id));
      return { manifest: stored, received: 0, wasComplete: true, addedToCatalogue };
    }
    onNotice?.(`Damaged or missing, and fetched again: ${wrong.join(', ')}.`);
  }

  const known = stored ?? unfinished;
  const revision = options.revision ?? known?.revision ?? 'main';
  const plan =
    source.kind === 'hub'
      ? await planHub(source.hub, revision, dtype, client)
      : await planFolder(source.url, dtype, client);
  const { manifest } = plan;
  if (!stored && unfinished && (unfinished.id !== manifest.id || unfinished.dtype !== dtype))
    throw new MirrorError(
      `${folder} holds the beginning of ${unfinished.id} (${unfinished.dtype}): choose another folder.`,
    );
  const pending: Unfinished = { id: manifest.id, revision: manifest.revision, dtype };
  await mkdir(folder, { recursive: true });
  await write(folder, partialPath(MANIFEST), JSON.stringify(pending));
  await rm(join(folder, MANIFEST), { force: true });

  const files = await mirror.fetchAll(plan);
  const whole = parseManifest({ ...manifest, files });
  if (isGemma(whole)) await write(folder, NOTICE, GEMMA_NOTICE);
  await write(folder, MANIFEST, `${JSON.stringify(whole, null, 1)}\n`);
  await rm(join(folder, partialPath(MANIFEST)), { force: true });
  const addedToCatalogue = await addToCatalogue(folder, modelNameOf(whole.id));
  return { manifest: whole, received: mirror.received, wasComplete: false, addedToCatalogue };
}
