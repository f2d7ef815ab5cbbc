/**
 * @file Files that a person picked or dropped as a source: an offline bundle, or a model folder. Browsers tell a file's
 * path only where a folder was picked; otherwise files go by their names.
 */
import { parseManifest } from '../../../protocol/manifest.ts';
import { pathsOf, readListing, sessionsIn } from '../../../protocol/model-listing.ts';
import { BUNDLE_FILE_BYTES } from '../../../protocol/sizes.ts';
import { type ModelSource, type PickedFile, StoreError } from '../../../protocol/store.ts';
import { sha256 } from '../hashing.ts';
import { chooseDtype, makePlan, type Plan, planManifest, type PlannedFile } from '../plan.ts';
import { type ByteSource, SourceFailure } from './source.ts';

type FilesSource = Extract<ModelSource, { kind: 'files' }>;

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Names a piece of a file that an offline bundle had to cut.
 * @param path the file's path.
 * @param index of the piece, from 0.
 * @returns `path.001`, `path.002`, …
 */
export const piecePathOf = (path: string, index: number): string => `${path}.${String(index + 1).padStart(3, '0')}`;

/** Files that belong to no model: those that systems leave in folders, and the notes of a bundle. */
const IGNORED_FILES = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*|README[^/]*|NOTICE[^/]*|\.gitattributes)$/i;

/** The picked files, and which of them were asked for. */
export class PickedFiles {
  private readonly used = new Set<PickedFile>();

  /** @param picked in any order. */
  constructor(private readonly picked: readonly PickedFile[]) {}

  /** The file of this path in the model folder, else of this name. */
  private find(path: string): PickedFile | undefined {
    const found =
      this.picked.find((each) => each.path === path) ??
      this.picked.find((each) => each.path.endsWith(`/${path}`)) ??
      this.picked.find((each) => baseOf(each.path) === baseOf(path));
    if (found) this.used.add(found);
    return found;
  }

  /** The file's bytes, from the whole file or from the pieces of a bundle; null where it or a piece is missing. */
  bytesOf({ path, size }: PlannedFile): Blob | null {
    const whole = this.find(path);
    if (whole) return whole.file;
    if (size <= BUNDLE_FILE_BYTES) return null;
    const pieces: Blob[] = [];
    for (let index = 0; index * BUNDLE_FILE_BYTES < size; index++) {
      const piece = this.find(piecePathOf(path, index));
      if (!piece) return null;
      pieces.push(piece.file);
    }
    return new Blob(pieces);
  }

  /** Paths of picked files that nothing asked for. */
  get unrelated(): string[] {
    return this.picked.filter((each) => !this.used.has(each) && !IGNORED_FILES.test(each.path)).map(({ path }) => path);
  }

  /**
   * Plans the files, by a manifest or by what is there.
   * @param source with a dtype if one is requested.
   * @returns the plan.
   * @throws StoreError `not-a-model` where the files do not say what model they are.
   */
  async plan(source: FilesSource): Promise<Plan> {
    const manifest = this.find('manifest.json');
    const config = this.find('config.json');
    try {
      if (manifest) return planManifest(parseManifest(JSON.parse(await manifest.file.text())), source);
      if (!config) throw new Error('neither manifest.json nor config.json is among the files');
      return await this.planWithoutManifest(config, source);
    } catch (cause) {
      throw new StoreError('not-a-model', cause instanceof Error ? cause.message : String(cause));
    }
  }

  /** Plans a folder in the transformers.js layout that others made. No hashes are known of its files. */
  private async planWithoutManifest(config: PickedFile, source: FilesSource): Promise<Plan> {
    const base = config.path.slice(0, config.path.length - 'config.json'.length);
    // Where only names are known, graphs and weights are assumed to be in `onnx/`.
    const pathOf = (path: string): string => {
      const inside = path.startsWith(base) ? path.slice(base.length) : baseOf(path);
      return /\.onnx(_data(_\d+)?)?$/.test(inside) ? `onnx/${baseOf(inside)}` : inside;
    };
    const sizes = new Map(this.picked.map(({ path, file }) => [pathOf(path), file.size]));
    const paths = [...sizes.keys()];
    const dtype = chooseDtype(sessionsIn(paths), source.dtype);
    const body = readListing(paths, dtype, JSON.parse(await config.file.text()));
    const files = pathsOf(body.sessions, dtype, paths).map((path) => ({ path, size: sizes.get(path) ?? 0 }));
    const id = baseOf(base.replace(/\/$/, '')) || 'model';
    const stamp = files.map(({ path, size }) => `${path}:${size}`).join() + String(config.file.lastModified);
    const revision = (await sha256(new TextEncoder().encode(stamp))).slice(0, 16);
    const unknown = { licence: 'unknown', baseModel: '' };
    return makePlan({ ...body, ...unknown, id, revision, dtype, source: { ...source, dtype }, files });
  }
}

async function* read(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/**
 * Reads picked files. Their bytes do not change by asking again, so each is tried once.
 * @param files the picked files.
 * @returns the source of their bytes: a missing file is `gone`, one of another size `unsatisfiable`.
 */
export function pickedBytes(files: PickedFiles): ByteSource {
  return {
    ranges: true,
    tries: 1,
    read(file, offset, length) {
      const blob = files.bytesOf(file);
      if (!blob) return Promise.reject(new SourceFailure('gone', file.path));
      if (blob.size !== file.size) return Promise.reject(new SourceFailure('unsatisfiable', file.path));
      return Promise.resolve(read(blob.slice(offset, offset + length)));
    },
  };
}
