/**
 * @file Reads a parity folder: a checkpoint's configuration, and what the reference implementation computed with it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gemma3Config, parseGemma3Config } from '../../protocol/gemma3-config.ts';
import { isFloats, readAll, Safetensors } from '../export/safetensors.ts';

export interface Reference {
  config: Gemma3Config;
  /** @returns a tensor of reference.safetensors, flattened, float32. @throws Error where there is none of that name */
  tensor(name: string): Float32Array;
}

/** @throws Error where the folder is no parity folder. */
export async function readReference(folder: string): Promise<Reference> {
  const config = parseGemma3Config(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
  const file = await Safetensors.openFiles(folder, ['reference.safetensors']);
  const tensors = new Map<string, Float32Array>();
  for (const [name, tensor] of file.tensors) if (isFloats(tensor)) tensors.set(name, await readAll(tensor));
  await file.close();
  return {
    config,
    tensor(name) {
      const values = tensors.get(name);
      if (!values) throw new Error(`reference.safetensors has no ${name}`);
      return values;
    },
  };
}
