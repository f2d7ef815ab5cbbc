import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { float32ToBfloat16 } from '../float-formats.ts';
import { Safetensors } from '../safetensors.ts';
import { bytesOf } from '../tensor.ts';

/**
 * Sets all values of a bfloat16 weight, in a checkpoint of one file.
 * @param checkpoint the checkpoint's folder.
 * @param name of the weight, as the file spells it.
 * @param value for all elements.
 */
export async function fillWeight(checkpoint: string, name: string, value: number): Promise<void> {
  const files = await Safetensors.open(checkpoint);
  const weight = files.tensors.get(name);
  await files.close();
  if (weight?.dtype !== 'BF16') throw new Error(`no bfloat16 weight ${name}`);
  const handle = await open(join(checkpoint, weight.file), 'r+');
  const bytes = bytesOf(float32ToBfloat16(new Float32Array(weight.bytes / 2).fill(value)));
  await handle.write(bytes, 0, bytes.length, weight.offset);
  await handle.close();
}
