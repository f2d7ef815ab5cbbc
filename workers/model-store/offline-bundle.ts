/** @file Offline bundles: a stored model as files for a USB stick, each small enough for FAT32, with a note. */
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { BUNDLE_FILE_BYTES } from '../../protocol/sizes.ts';
import { type BundleFile, StoreError } from '../../protocol/store.ts';
import { fileAt, folderOf, MANIFEST, readFile } from './directory.ts';
import { sha256 } from './hashing.ts';
import { GEMMA_NOTICE, isGemma, bundleReadme } from './offline-bundle-readme.ts';
import type { Progress } from './progress.ts';
import { piecePathOf } from './sources/picked.ts';

/**
 * Makes the files of a model's bundle. The manifest is the last, so that an interrupted copy is not taken for a whole one.
 * @param key the model's key.
 * @returns the files in the order in which they are to be written.
 * @throws StoreError `missing` where the model is not whole.
 */
export async function bundleFilesOf(key: string): Promise<BundleFile[]> {
  const folder = await folderOf('models', key);
  const manifestFile = await readFile(folder, MANIFEST);
  if (!manifestFile) throw new StoreError('missing', `${key} is not whole`);
  const manifest: Manifest = parseManifest(JSON.parse(await manifestFile.text()));
  const files: BundleFile[] = [];
  for (const { path, size } of manifest.files) {
    const blob = await (await fileAt(folder, path)).getFile();
    if (size <= BUNDLE_FILE_BYTES) files.push({ path, blob });
    else
      for (let index = 0; index * BUNDLE_FILE_BYTES < size; index++)
        files.push({
          path: piecePathOf(path, index),
          blob: blob.slice(index * BUNDLE_FILE_BYTES, (index + 1) * BUNDLE_FILE_BYTES),
        });
  }
  files.push({ path: 'README-LISEZMOI.txt', blob: new Blob([bundleReadme(manifest)]) });
  if (isGemma(manifest)) files.push({ path: 'NOTICE', blob: new Blob([GEMMA_NOTICE]) });
  files.push({ path: MANIFEST, blob: manifestFile });
  return files;
}

const READ_CHUNK_BYTES = 32 * 1024 * 1024;

async function sameContent(a: Blob, b: Blob): Promise<boolean> {
  if (a.size !== b.size) return false;
  const hash = async (blob: Blob, at: number) =>
    sha256(new Uint8Array(await blob.slice(at, at + READ_CHUNK_BYTES).arrayBuffer()));
  for (let at = 0; at < a.size; at += READ_CHUNK_BYTES) if ((await hash(a, at)) !== (await hash(b, at))) return false;
  return true;
}

/**
 * Writes a bundle into a folder. Files that are there with the right content stay, so that an interrupted copy goes on.
 * @param bundle the files.
 * @param directory a folder that the person chose.
 * @param progress receives the number of copied bytes.
 * @param signal stops the copy.
 * @throws StoreError `aborted`, or the browser's own DOMException.
 */
export async function writeBundle(
  bundle: readonly BundleFile[],
  directory: FileSystemDirectoryHandle,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let before = 0;
  for (const { path, blob } of bundle) {
    if (signal.aborted) throw new StoreError('aborted');
    const present = await readFile(directory, path);
    if (!present || !(await sameContent(present, blob))) {
      const target = await (await fileAt(directory, path, true)).createWritable();
      let copied = 0;
      const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(piece, controller) {
          copied += piece.length;
          progress.addReceived(piece.length, before + copied);
          controller.enqueue(piece);
        },
      });
      await blob.stream().pipeThrough(count).pipeTo(target, { signal });
    }
    before += blob.size;
    progress.update(before);
  }
}
