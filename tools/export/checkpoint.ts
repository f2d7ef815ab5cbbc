/**
 * @file A Hugging Face Gemma 3 checkpoint: its configuration, and its weights under one set of names whatever prefix the
 * file uses. Prefixes: transformers `models/gemma3/modeling_gemma3.py` and its older releases.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gemma3Config, parseGemma3Config } from '../../protocol/gemma3-config.ts';
import { ExportError } from './failure.ts';
import { isFloats, readAll, readRows, Safetensors, sameBytes, type StoredTensor } from './safetensors.ts';

/** Canonical prefixes, and those that files use for them. The first that fits a name wins, so longer ones come first. */
const PREFIXES: readonly (readonly [canonical: string, inFiles: readonly string[]])[] = [
  ['projector.', ['model.multi_modal_projector.', 'multi_modal_projector.']],
  [
    'vision.',
    ['model.vision_tower.vision_model.', 'vision_tower.vision_model.', 'model.vision_tower.', 'vision_tower.'],
  ],
  ['lm_head.', ['model.language_model.lm_head.', 'language_model.lm_head.', 'model.lm_head.', 'lm_head.']],
  [
    'text.',
    ['model.language_model.model.', 'model.language_model.', 'language_model.model.', 'language_model.', 'model.', ''],
  ],
];

/**
 * Gives a weight its canonical name.
 * @param name as a file spells it.
 * @returns `text.layers.0.…`, `vision.encoder.…`, `projector.…` or `lm_head.weight`.
 */
export function canonicalName(name: string): string {
  for (const [canonical, prefixes] of PREFIXES)
    for (const prefix of prefixes) if (name.startsWith(prefix)) return canonical + name.slice(prefix.length);
  return name;
}

/** A weight whose shape was checked. */
export interface Weight {
  /** Canonical name. */
  name: string;
  shape: readonly number[];
  /** Bytes in the checkpoint. */
  bytes: number;
  /** Reads all values as float32 [shape]. */
  all: () => Promise<Float32Array>;
  /** Reads whole rows of the last dimension as float32, some MB at a time. */
  rows: () => AsyncIterable<Float32Array>;
}

async function readJson(folder: string, file: string): Promise<unknown> {
  const text = await readFile(join(folder, file), 'utf8').catch((cause: unknown) => {
    throw new ExportError(`${folder} has no ${file}: it is not a checkpoint folder.`, { cause });
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ExportError(`${file} is not JSON.`, { cause });
  }
}

/**
 * Ties the output projection to the embedding table as transformers' `tie_weights` does. A stored head that differs from
 * the table is a head of its own, whatever the configuration says. Where only one of the two is stored, it serves as both.
 */
async function tieHead(config: Gemma3Config, names: Map<string, StoredTensor>): Promise<Gemma3Config> {
  const head = names.get('lm_head.weight');
  const table = names.get('text.embed_tokens.weight');
  if (!config.text.tieWordEmbeddings || !head) return config;
  if (!table) names.set('text.embed_tokens.weight', head);
  if (!table || (await sameBytes(head, table))) return config;
  return { ...config, text: { ...config.text, tieWordEmbeddings: false } };
}

/** An open checkpoint. It holds file handles until it is closed. */
export class Checkpoint {
  private constructor(
    readonly folder: string,
    /** The parsed config.json, unchanged. */
    readonly rawConfig: Record<string, unknown>,
    readonly config: Gemma3Config,
    private readonly files: Safetensors,
    private readonly names: ReadonlyMap<string, StoredTensor>,
  ) {}

  /**
   * Opens a checkpoint folder.
   * @param folder with config.json and safetensors.
   * @returns the checkpoint, which the caller closes.
   * @throws ExportError where it is not a Gemma 3 checkpoint that can be read.
   */
  static async open(folder: string): Promise<Checkpoint> {
    const info = await stat(folder).catch(() => null);
    if (!info?.isDirectory()) throw new ExportError(`${folder} is not a folder.`);
    const raw = (await readJson(folder, 'config.json')) as Record<string, unknown>;
    let config: Gemma3Config;
    try {
      config = parseGemma3Config(raw);
    } catch (cause) {
      throw new ExportError(cause instanceof Error ? `${cause.message}.` : String(cause), { cause });
    }
    if (typeof raw['quantization_config'] === 'object' && raw['quantization_config'] !== null)
      throw new ExportError(
        'config.json: this checkpoint is quantised already (quantization_config); export the unquantised one instead.',
      );
    const files = await Safetensors.open(folder);
    try {
      const names = new Map<string, StoredTensor>();
      for (const tensor of files.tensors.values()) {
        const name = canonicalName(tensor.name);
        const other = names.get(name);
        if (other) throw new ExportError(`${tensor.name} and ${other.name} are the same weight under two names.`);
        names.set(name, tensor);
      }
      return new Checkpoint(folder, raw, await tieHead(config, names), files, names);
    } catch (cause) {
      await files.close();
      throw cause;
    }
  }

  /** Whether there is a weight of this canonical name. */
  has(name: string): boolean {
    return this.names.has(name);
  }

  /**
   * Finds a weight.
   * @param name its canonical name.
   * @param shape the shape that the configuration asks for.
   * @returns the weight, unread.
   * @throws ExportError where there is none, or it has another shape, or no floats.
   */
  weight(name: string, shape: readonly number[]): Weight {
    const stored = this.names.get(name);
    if (!stored)
      throw new ExportError(
        `The checkpoint lacks ${name.replace(/^text\./, '')}` +
          (name.startsWith('vision.') || name.startsWith('projector.')
            ? ', though config.json describes a vision encoder.'
            : ', which the configuration asks for.'),
      );
    if (stored.shape.length !== shape.length || shape.some((n, i) => stored.shape[i] !== n))
      throw new ExportError(
        `${stored.name} has the shape [${stored.shape.join(', ')}] where config.json asks for [${shape.join(', ')}].`,
      );
    if (!isFloats(stored))
      throw new ExportError(
        `${stored.name} is stored as ${stored.dtype}; only F32, F16 and BF16 weights can be exported.`,
      );
    return { name, shape, bytes: stored.bytes, all: () => readAll(stored), rows: () => readRows(stored) };
  }

  /** Closes the weight files. */
  close(): Promise<void> {
    return this.files.close();
  }
}
