/** The USB kit: a stored model as files for a stick, each small enough for FAT32, with a note to whoever finds them. */
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { KIT_FILE_BYTES, type KitFile, StoreError } from '../../protocol/store.ts';
import { fileAt, folderOf, MANIFEST, readFile } from './directory.ts';
import { sha256 } from './fetch-parts.ts';
import { GEMMA_NOTICE, isGemma, kitReadme } from './offline-bundle-readme.ts';
import type { Progress } from './progress.ts';
import { pieceOf } from './sources/picked.ts';

/** In the order in which they are to be written: the manifest last, so that half a kit is not taken for a whole one. */
export async function kitOf(key: string): Promise<KitFile[]> {
  const folder = await folderOf('models', key);
  const manifestFile = await readFile(folder, MANIFEST);
  if (!manifestFile) throw new StoreError('missing', `${key} is not whole`);
  const manifest: Manifest = parseManifest(JSON.parse(await manifestFile.text()));
  const files: KitFile[] = [];
  for (const { path, size } of manifest.files) {
    const blob = await (await fileAt(folder, path)).getFile();
    if (size <= KIT_FILE_BYTES) files.push({ path, blob });
    else
      for (let index = 0; index * KIT_FILE_BYTES < size; index++)
        files.push({
          path: pieceOf(path, index),
          blob: blob.slice(index * KIT_FILE_BYTES, (index + 1) * KIT_FILE_BYTES),
        });
  }
  files.push({ path: 'README-LISEZMOI.txt', blob: new Blob([kitReadme(manifest)]) });
  if (isGemma(manifest)) files.push({ path: 'NOTICE', blob: new Blob([GEMMA_NOTICE]) });
  files.push({ path: MANIFEST, blob: manifestFile });
  return files;
}

const PIECE = 32 * 1024 * 1024;

async function sameContent(a: Blob, b: Blob): Promise<boolean> {
  if (a.size !== b.size) return false;
  const hash = async (blob: Blob, at: number) => sha256(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
  for (let at = 0; at < a.size; at += PIECE) if ((await hash(a, at)) !== (await hash(b, at))) return false;
  return true;
}

/** Writes a kit into a folder; what is there already and right stays, so an interrupted copy goes on. */
export async function writeKit(
  kit: readonly KitFile[],
  directory: FileSystemDirectoryHandle,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let before = 0;
  for (const { path, blob } of kit) {
    if (signal.aborted) throw new StoreError('aborted');
    const present = await readFile(directory, path);
    if (!present || !(await sameContent(present, blob))) {
      const target = await (await fileAt(directory, path, true)).createWritable();
      let copied = 0;
      const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(piece, controller) {
          copied += piece.length;
          progress.received(piece.length, before + copied);
          controller.enqueue(piece);
        },
      });
      await blob.stream().pipeThrough(count).pipeTo(target, { signal });
    }
    before += blob.size;
    progress.at(before);
  }
}
