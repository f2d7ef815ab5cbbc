import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { float16ToFloat32 } from '../export/float-formats.ts';
import { dequantise, quantise } from '../export/quantise.ts';
import { makeCheckpoint } from '../make-checkpoint/make-checkpoint.ts';
import { makeGguf } from './gemma3.ts';
import { q4_0, writeGguf } from './gguf.ts';

const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7) * (1 + i));

/** Dequantises a block as llama.cpp does (`dequantize_row_q4_0`). */
function readBlock(bytes: Uint8Array, block: number): number[] {
  const at = block * 18;
  const [scale = NaN] = float16ToFloat32(Uint16Array.of((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)));
  const packed = [...bytes.subarray(at + 2, at + 18)];
  return [...packed.map((byte) => ((byte & 15) - 8) * scale), ...packed.map((byte) => ((byte >> 4) - 8) * scale)];
}

it('writes the weights of our own 4 bits, with scales in float16', () => {
  const bytes = q4_0(values, 64);
  const ours = dequantise(quantise(values, 64), 64);
  const theirs = [...readBlock(bytes, 0), ...readBlock(bytes, 1)];
  for (const [i, value] of theirs.entries()) expect(Math.abs(value - (ours[i] ?? NaN))).toBeLessThan(0.02);
});

it('writes a header with lengths innermost first, and tensors on multiples of 32', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fournil-gguf-'));
  try {
    const file = join(folder, 'a.gguf');
    const rows = async function* () {
      yield await Promise.resolve(values);
    };
    await writeGguf(file, { 'general.architecture': { type: 'string', value: 'gemma3' } }, [
      { name: 'w', type: 'q4_0', shape: [2, 32], rows },
      { name: 'n', type: 'f32', shape: [64], rows },
    ]);
    const bytes = await readFile(file);
    expect(bytes.toString('latin1', 0, 4)).toBe('GGUF');
    expect([bytes.readUInt32LE(4), bytes.readBigUInt64LE(8), bytes.readBigUInt64LE(16)]).toEqual([3, 2n, 1n]);
    const at = bytes.indexOf('w\u0002\u0000\u0000\u0000', 0, 'latin1') + 5;
    expect([bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8)]).toEqual([32n, 2n]);
    expect(bytes.length % 32).toBe(0);
    expect(bytes.readFloatLE(bytes.length - 4)).toBe(values[63]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('says what a folder lacks that is no checkpoint of the text model with its tokenizer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fournil-gguf-'));
  try {
    await makeCheckpoint({ out: folder, size: 'tiny' });
    await expect(makeGguf(folder, join(folder, 'a.gguf'))).rejects.toThrow('tokenizer.json');
  } finally {
    await rm(folder, { recursive: true });
  }
});
