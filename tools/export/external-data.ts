/**
 * @file The external data files beside a graph: their layout, and writing them. A tensor never straddles two files, and
 * large ones begin on a page, so that a runtime may map them into memory.
 */
import type { ManifestFile } from '../../protocol/manifest.ts';
import { ExportError } from './failure.ts';
import type { DataLocation } from './graph-builder.ts';
import { HashingFile } from './hashing-file.ts';
import { byteLength, type LazyTensor } from './tensor.ts';

/** A file does not grow past this size with several tensors, since browsers hold a whole file in one ArrayBuffer. */
const FILE_BYTES = 1024 ** 3;
/** Largest ArrayBuffer of today's browsers, and so the largest file that a single tensor may need. */
const MAX_FILE_BYTES = 2_000_000_000;
const PAGE = 4096;
/** Tensors of this size and more begin on a page. Such padding of small tensors would double a small model. */
const PAGE_ALIGNED_FROM = 1024 ** 2;
const SMALL_ALIGNMENT = 64;
/** Bytes written at a time, at most. */
const FLUSH_BYTES = 4 * 1024 * 1024;

/** Where each tensor of a graph lies. */
export interface Layout {
  /** Locations by tensor name. */
  places: Map<string, DataLocation>;
  /** File names in order, `<graph>_data`, `<graph>_data_1`, …, as transformers.js expects them. */
  files: string[];
  tensors: LazyTensor[];
  /** Bytes of all tensors, without padding. */
  bytes: number;
}

/**
 * Lays out tensors in the order given.
 * @param tensors of one graph.
 * @param graphFile name of the .onnx file.
 * @param fileBytes size that files are kept under, where a single tensor is not larger.
 * @returns the layout.
 * @throws ExportError where a tensor is too large for any browser.
 */
export function layOut(tensors: readonly LazyTensor[], graphFile: string, fileBytes = FILE_BYTES): Layout {
  const places = new Map<string, DataLocation>();
  const files: string[] = [];
  let end = 0;
  let bytes = 0;
  for (const tensor of tensors) {
    const length = byteLength(tensor);
    if (length > MAX_FILE_BYTES)
      throw new ExportError(
        `${tensor.name} alone would have ${(length / 1e9).toFixed(1)} GB; browsers load at most 2 GB: export as q4.`,
      );
    const alignment = length >= PAGE_ALIGNED_FROM ? PAGE : SMALL_ALIGNMENT;
    let offset = Math.ceil(end / alignment) * alignment;
    if (!files.length || (offset + length > fileBytes && end > 0)) {
      files.push(files.length ? `${graphFile}_data_${files.length}` : `${graphFile}_data`);
      offset = 0;
    }
    places.set(tensor.name, { file: files.at(-1) ?? '', offset, length });
    end = offset + length;
    bytes += length;
  }
  return { places, files, tensors: [...tensors], bytes };
}

/**
 * Writes a layout's files.
 * @param layout the tensors and their locations.
 * @param options where to write.
 * @returns the files as the manifest lists them.
 * @throws ExportError of a weight that cannot be read, or the signal's reason.
 */
export async function writeData(
  layout: Layout,
  { folder, prefix, onBytes, signal }: WriteOptions,
): Promise<ManifestFile[]> {
  const written: ManifestFile[] = [];
  let file: HashingFile | null = null;
  let name = '';
  try {
    for (const tensor of layout.tensors) {
      const place = layout.places.get(tensor.name) as DataLocation;
      if (!file || place.file !== name) {
        if (file) written.push(await file.close());
        name = place.file;
        file = await HashingFile.create(folder, prefix + name);
      }
      if (place.offset > file.size) await file.write(new Uint8Array(place.offset - file.size));
      for await (const piece of tensor.pieces()) {
        signal?.throwIfAborted();
        for (let at = 0; at < piece.length; at += FLUSH_BYTES) await file.write(piece.subarray(at, at + FLUSH_BYTES));
        onBytes(piece.length, tensor.name);
      }
      if (file.size !== place.offset + place.length) throw new Error(`${tensor.name} was written with another length`);
    }
    if (file) written.push(await file.close());
  } catch (cause) {
    await file?.abandon();
    throw cause;
  }
  return written;
}

/** Where data files are written. */
export interface WriteOptions {
  folder: string;
  /** Folder of the files within `folder`, ending in `/`. */
  prefix: string;
  /** Called after each piece, with its length in bytes. */
  onBytes: (bytes: number, tensor: string) => void;
  signal?: AbortSignal | undefined;
}
