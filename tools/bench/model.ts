/** @file A model folder in the transformers.js layout, of our exporter or anybody's, prepared for both engines. */
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import type { Dtype } from '../../protocol/engine.ts';
import { type Manifest, MANIFEST_FORMAT, type ManifestFile, parseManifest } from '../../protocol/manifest.ts';
import { pathsOf, readListing, sessionsIn } from '../../protocol/model-listing.ts';
import { PartHasher } from '../model-files/part-hasher.ts';

export interface ModelDir {
  dir: string;
  name: string;
  dtype: Dtype;
  manifest: Manifest;
}

/** Dtypes in order of preference. fp16 comes last, since activations of Gemma 3 exceed its range. */
const ORDER: readonly Dtype[] = ['q4', 'q4f16', 'fp32', 'fp16'];

async function describeFile(dir: string, path: string): Promise<ManifestFile> {
  const hasher = new PartHasher();
  for await (const chunk of createReadStream(join(dir, path))) hasher.update(chunk as Buffer);
  return { path, ...hasher.finish() };
}

/** Makes a manifest, as the app does when a person picks a folder. */
async function makeManifest(dir: string, name: string, paths: string[], config: unknown): Promise<Manifest> {
  const dtype = ORDER.find((each) => sessionsIn(paths)[each]);
  if (!dtype) throw new Error(`${name} has no ONNX graphs of a Gemma 3`);
  const files: ManifestFile[] = [];
  for (const path of pathsOf(sessionsIn(paths), dtype, paths)) files.push(await describeFile(dir, path));
  const identity = { id: name, revision: 'unknown', licence: 'unknown', baseModel: '' };
  return { format: MANIFEST_FORMAT, ...identity, ...readListing(paths, dtype, config), files };
}

/** @throws Error with a sentence where the folder holds no model. */
export async function readModelDir(folder: string): Promise<ModelDir> {
  const dir = resolve(folder);
  const name = basename(dir);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .split(sep)
        .join('/'),
    );
  const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(dir, path), 'utf8')) as unknown;
  const config = await json('config.json');
  const manifest = paths.includes('manifest.json')
    ? parseManifest(await json('manifest.json'))
    : await makeManifest(dir, name, paths, config);
  const dtype = ORDER.find((each) => manifest.sessions[each]);
  if (!dtype) throw new Error(`${name} has no ONNX graphs`);
  return { dir, name, dtype, manifest };
}
