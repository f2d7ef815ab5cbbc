/** Copies weights from their files into the kernels' memory, piece by piece. */
import { EngineError } from '../../../../protocol/engine.ts';
import type { StoredTensor } from '../../onnx/graph.ts';

/** Bytes of a file that are in memory at a time; the next piece is read meanwhile. */
const PIECE_BYTES = 16 * 2 ** 20;

interface Piece {
  file: string;
  blob: Blob;
  start: number;
  end: number;
  /** Address that the piece goes to. */
  address: number;
}

function piecesOf(weights: ReadonlyMap<number, StoredTensor>, files: ReadonlyMap<string, Blob>, size: number): Piece[] {
  const pieces: Piece[] = [];
  for (const [address, { data }] of weights) {
    if (data instanceof Uint8Array) continue;
    const { file, offset } = data;
    const blob = files.get(file);
    if (!blob) throw new EngineError('model-missing', `${file} is not in the model folder`);
    const end = offset + (data.length ?? blob.size - offset);
    if (end > blob.size) throw new EngineError('model-damaged', `${file} is too short`);
    for (let start = offset; start < end; start += size)
      pieces.push({ file, blob, start, end: Math.min(end, start + size), address: address + start - offset });
  }
  return pieces;
}

/**
 * Loads weights into memory.
 * @param weights tensors by the addresses that they go to
 * @param files weight files by the names that the graph refers to them by
 * @param memory the kernels' memory
 * @param options `signal` ends loading between two pieces; `pieceBytes` is how much is read at a time
 * @throws EngineError `model-missing`, `model-damaged`, `aborted`; errors of reading a file
 */
export async function loadWeights(
  weights: ReadonlyMap<number, StoredTensor>,
  files: ReadonlyMap<string, Blob>,
  memory: ArrayBufferLike,
  { signal, pieceBytes = PIECE_BYTES }: { signal?: AbortSignal | undefined; pieceBytes?: number } = {},
): Promise<void> {
  const bytes = new Uint8Array(memory);
  for (const [address, { data }] of weights) if (data instanceof Uint8Array) bytes.set(data, address);
  const pieces = piecesOf(weights, files, pieceBytes);
  const read = async (piece: Piece | undefined) =>
    piece ? new Uint8Array(await piece.blob.slice(piece.start, piece.end).arrayBuffer()) : null;
  let ahead = read(pieces[0]);
  for (const [i, piece] of pieces.entries()) {
    const content = await ahead;
    if (signal?.aborted) throw new EngineError('aborted');
    ahead = read(pieces[i + 1]);
    // Nobody awaits it if this loop ends early.
    ahead.catch(() => undefined);
    if (content) bytes.set(content, piece.address);
  }
}
