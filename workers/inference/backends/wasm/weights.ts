/** Weights from their files into the kernels' memory, a piece at a time. */
import { EngineError } from '../../../../protocol/engine.ts';
import type { StoredTensor } from '../../onnx/graph.ts';

const PIECE = 16 * 2 ** 20;

interface Piece {
  file: string;
  blob: Blob;
  start: number;
  end: number;
  to: number;
}

function piecesOf(weights: ReadonlyMap<number, StoredTensor>, files: ReadonlyMap<string, Blob>, size: number): Piece[] {
  const pieces: Piece[] = [];
  for (const [at, { data }] of weights) {
    if (data instanceof Uint8Array) continue;
    const { file, offset } = data;
    const blob = files.get(file);
    if (!blob) throw new EngineError('model-missing', `${file} is not in the model folder`);
    const end = offset + (data.length ?? blob.size - offset);
    if (end > blob.size) throw new EngineError('model-damaged', `${file} is too short`);
    for (let start = offset; start < end; start += size)
      pieces.push({ file, blob, start, end: Math.min(end, start + size), to: at + start - offset });
  }
  return pieces;
}

/**
 * @param weights by the addresses that they go to
 * @throws EngineError `model-missing`, `model-damaged`, `aborted`; whatever reading a file throws
 */
export async function loadWeights(
  weights: ReadonlyMap<number, StoredTensor>,
  files: ReadonlyMap<string, Blob>,
  memory: ArrayBufferLike,
  { signal, piece: size = PIECE }: { signal?: AbortSignal | undefined; piece?: number } = {},
): Promise<void> {
  const bytes = new Uint8Array(memory);
  for (const [at, { data }] of weights) if (data instanceof Uint8Array) bytes.set(data, at);
  const pieces = piecesOf(weights, files, size);
  const read = async (piece: Piece | undefined) =>
    piece ? new Uint8Array(await piece.blob.slice(piece.start, piece.end).arrayBuffer()) : null;
  let ahead = read(pieces[0]);
  for (const [i, piece] of pieces.entries()) {
    const content = await ahead;
    if (signal?.aborted) throw new EngineError('aborted');
    ahead = read(pieces[i + 1]);
    // Nobody waits for it if this loop ends before.
    ahead.catch(() => undefined);
    if (content) bytes.set(content, piece.to);
  }
}
