/**
 * @file `manifest.json` describes a model folder (docs/contributing/model-format.md). The same folder on a disk, on a web
 * server and in browser storage has the same manifest. Types and validation only.
 */
import type { Dtype } from './engine.ts';
import { isObject } from './json.ts';
import { PART_BYTES } from './sizes.ts';

/** Version of the format. Others are refused. */
export const MANIFEST_FORMAT = 1;

/** A graph's role: `model` is the only graph of a text model, the other three make up a model that sees pictures. */
export type SessionName = 'model' | 'embed_tokens' | 'vision_encoder' | 'decoder_model_merged';

/** A file of the folder. Hashes are lower-case hex. */
export interface ManifestFile {
  /** Path relative to the folder, with `/`. */
  path: string;
  /** Size in bytes. */
  size: number;
  /** SHA-256 of the whole file. */
  sha256: string;
  /** SHA-256 of each part of PART_BYTES (sizes.ts). A file that fits in a part has one entry, equal to `sha256`. */
  parts: string[];
}

/** The files of an ONNX graph. */
export interface ManifestSession {
  /** Path of the graph. */
  graph: string;
  /** Paths of the external data files that the graph refers to, in order. */
  data: string[];
}

/** The content of `manifest.json`. */
export interface Manifest {
  format: typeof MANIFEST_FORMAT;
  id: string;
  revision: string;
  licence: string;
  baseModel: string;
  /** Tokens of context that the graphs' RoPE tables cover. */
  contextLength: number;
  /** How picture tokens attend to each other in the graphs. Text models have `none`. */
  imageAttention: 'bidirectional' | 'causal' | 'none';
  /** `static`: past and present keys and values may share one buffer that is longer than the tokens in it. */
  cache: 'static' | 'dynamic';
  sessions: Partial<Record<Dtype, Partial<Record<SessionName, ManifestSession>>>>;
  files: ManifestFile[];
}

const HEX64 = /^[0-9a-f]{64}$/;

/**
 * Validates a manifest, which comes from outside and is not trusted.
 * @param value the parsed JSON.
 * @returns the same value, typed.
 * @throws Error that names the first thing that is wrong.
 */
export function parseManifest(value: unknown): Manifest {
  const fail = (what: string): never => {
    throw new Error(`manifest.json: ${what}`);
  };
  if (!isObject(value)) return fail('not an object');
  if (value['format'] !== MANIFEST_FORMAT) return fail(`format ${String(value['format'])} is not ${MANIFEST_FORMAT}`);
  for (const key of ['id', 'revision', 'licence', 'baseModel'])
    if (typeof value[key] !== 'string') fail(`${key} is not a text`);
  if (!Number.isSafeInteger(value['contextLength']) || (value['contextLength'] as number) < 1)
    fail('contextLength is not a positive whole number');
  if (!['bidirectional', 'causal', 'none'].includes(value['imageAttention'] as string))
    fail('imageAttention is unknown');
  if (!['static', 'dynamic'].includes(value['cache'] as string)) fail('cache is unknown');
  const files: unknown = value['files'];
  if (!Array.isArray(files)) return fail('files is not a list');
  const known = new Set<string>();
  for (const file of files as unknown[]) {
    if (!isObject(file) || typeof file['path'] !== 'string') return fail('a file has no path');
    const path = file['path'];
    if (path.startsWith('/') || path.includes('\\') || path.split('/').some((s) => s === '' || s === '.' || s === '..'))
      fail(`${path} leaves the folder`);
    if (known.has(path)) fail(`${path} is listed twice`);
    known.add(path);
    const { size, sha256, parts } = file;
    if (!Number.isSafeInteger(size) || (size as number) < 0) fail(`${path} has no size`);
    if (typeof sha256 !== 'string' || !HEX64.test(sha256)) fail(`${path} has no SHA-256`);
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string' && HEX64.test(part)))
      return fail(`${path} has no part hashes`);
    if (parts.length !== Math.max(1, Math.ceil((size as number) / PART_BYTES)))
      fail(`${path} has ${parts.length} part hashes for ${String(size)} bytes`);
  }
  if (!isObject(value['sessions'])) return fail('sessions is not an object');
  for (const [dtype, sessions] of Object.entries(value['sessions'])) {
    if (!isObject(sessions)) return fail(`sessions.${dtype} is not an object`);
    for (const [name, session] of Object.entries(sessions)) {
      if (!isObject(session) || typeof session['graph'] !== 'string' || !Array.isArray(session['data']))
        return fail(`sessions.${dtype}.${name} has no graph`);
      for (const path of [session['graph'], ...(session['data'] as unknown[])])
        if (typeof path !== 'string' || !known.has(path))
          fail(`sessions.${dtype}.${name} names ${String(path)}, not among the files`);
    }
  }
  return value as unknown as Manifest;
}
