import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { exportModel } from './export-model.ts';

const read = (folder: string) => parseManifest(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));

it('gives the built-in model for the checkpoint in training/, in at most 6 MB', async () => {
  const work = await mkdtemp(join(tmpdir(), 'fournil-built-in-'));
  try {
    const out = join(work, 'built-in');
    await exportModel({ checkpoint: 'training/checkpoint', out, dtype: 'q4', id: 'built-in', licence: 'Apache-2.0' });
    const shipped = read('public/models/built-in');
    // `npm run export:built-in` brings them together again.
    expect(shipped.revision).toBe(read(out).revision);
    expect(shipped.files.reduce((sum, file) => sum + file.size, 0)).toBeLessThanOrEqual(6_000_000);
  } finally {
    await rm(work, { recursive: true });
  }
});
