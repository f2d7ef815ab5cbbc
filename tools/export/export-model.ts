/**
 * @file Exports a Hugging Face Gemma 3 checkpoint as a model folder for the browser (docs/contributing/model-format.md).
 * Guarantees: all shapes of the checkpoint are checked before anything is written; weights pass through memory some MB at
 * a time; the folder appears complete or not at all; the same checkpoint gives the same bytes.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import {
  type Manifest,
  MANIFEST_FORMAT,
  type ManifestFile,
  type ManifestSession,
  parseManifest,
  type SessionName,
} from '../../protocol/manifest.ts';
import { Checkpoint } from './checkpoint.ts';
import { type Layout, layOut, writeData } from './external-data.ts';
import { ExportError } from './failure.ts';
import type { DataLocation } from './graph-builder.ts';
import { writeHashed } from './hashing-file.ts';
import { companionFiles, exportedConfig } from './model-files.ts';
import { modelCard, revisionOf } from './provenance.ts';
import { buildSessions, type Session } from './sessions.ts';

/** Dtypes that can be exported. */
export type ExportDtype = 'fp32' | 'q4' | 'q4f16';

/** Largest default context, in tokens. The KV caches of longer contexts do not fit in browsers. */
const DEFAULT_CONTEXT = 32768;

/** How far an export is. */
export interface ExportProgress {
  /** Bytes of weights that are written. */
  done: number;
  /** Bytes of weights in all. */
  total: number;
  /** Name of the tensor that is being written. */
  tensor: string;
}

/** Options of an export. */
export interface ExportOptions {
  /** Folder with config.json and safetensors. */
  checkpoint: string;
  /** Folder to make, or an export of the same checkpoint, to which another dtype is added. */
  out: string;
  dtype?: ExportDtype;
  /** How picture tokens attend: `bidirectional` as in Gemma 3, or `causal`, which stock transformers.js can run. */
  imageAttention?: 'bidirectional' | 'causal';
  /** Tokens that the RoPE tables cover. The default is the model's own context, at most 32,768. */
  contextLength?: number;
  /** Licence for the manifest, instead of the model card's. */
  licence?: string;
  /** Id for the manifest, instead of the checkpoint folder's name. */
  id?: string;
  /** Rounds weights to 4 bits and back (fp32 only, for tests), so that the graph computes what a q4 export should. */
  roundWeights?: boolean;
  onProgress?: (progress: ExportProgress) => void;
  signal?: AbortSignal;
}

const GRAPHS = 'onnx/';

/** Reads the manifest of an export that another dtype is to be added to; null where OUT is new or empty. */
async function readExisting(out: string): Promise<Manifest | null> {
  const info = await stat(out).catch(() => null);
  if (!info) return null;
  if (!info.isDirectory()) throw new ExportError(`${out} is a file, not a folder.`);
  const names = await readdir(out);
  if (!names.length) return null;
  if (!names.includes('manifest.json'))
    throw new ExportError(`${out} is not empty and not a folder this tool made: choose another one, or empty it.`);
  try {
    return parseManifest(JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')));
  } catch (cause) {
    throw new ExportError(`${out} is not empty, and its manifest cannot be read: choose another folder.`, { cause });
  }
}

/** Checks that a dtype can be added: what all dtypes of a folder share must be the same. */
function checkMerge(before: Manifest, dtype: ExportDtype, wanted: Pick<Manifest, 'imageAttention' | 'contextLength'>) {
  if (before.sessions[dtype]) throw new ExportError(`The folder holds an export in ${dtype} already.`);
  for (const key of ['imageAttention', 'contextLength'] as const)
    if (before[key] !== wanted[key])
      throw new ExportError(
        `The folder's ${key} is ${String(before[key])}, this export's ${String(wanted[key])}: choose another folder.`,
      );
}

function chooseContextLength(requested: number | undefined, max: number): number {
  if (requested === undefined) return Math.min(max, DEFAULT_CONTEXT);
  if (!Number.isSafeInteger(requested) || requested < 1 || requested > max)
    throw new ExportError(`A context of ${requested} tokens is not possible: this model has 1 to ${max}.`);
  return requested;
}

interface Written {
  sessions: Partial<Record<SessionName, ManifestSession>>;
  files: ManifestFile[];
  dataFiles: Record<string, number>;
}

/** Lays out all sessions' data, then writes data and graphs. */
async function writeSessions(
  sessions: Session[],
  { folder, onProgress, signal }: { folder: string } & Pick<ExportOptions, 'onProgress' | 'signal'>,
): Promise<Written> {
  const places = new Map<Session, Map<string, DataLocation>>();
  const layouts: Layout[] = [];
  const seen = new Map<string, DataLocation>();
  for (const session of sessions) {
    const all = session.graph.weights();
    const own = all.filter(({ name }) => !session.shares || !seen.has(name));
    const layout = layOut(own, session.file);
    layouts.push(layout);
    places.set(session, session.shares ? new Map([...seen, ...layout.places]) : layout.places);
    for (const [name, place] of layout.places) seen.set(name, place);
  }
  const total = layouts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const result: Written = { sessions: {}, files: [], dataFiles: {} };
  for (const [i, session] of sessions.entries()) {
    const layout = layouts[i] as Layout;
    const at = places.get(session) as Map<string, DataLocation>;
    const graph = await writeHashed(folder, GRAPHS + session.file, session.graph.encode(at));
    const data = await writeData(layout, {
      folder,
      prefix: GRAPHS,
      signal,
      onBytes: (bytes, tensor) => {
        done += bytes;
        onProgress?.({ done, total, tensor });
      },
    });
    const used = new Set(session.graph.weights().map(({ name }) => GRAPHS + (at.get(name) as DataLocation).file));
    result.files.push(graph, ...data);
    result.dataFiles[session.file] = layout.files.length;
    result.sessions[session.name] = { graph: graph.path, data: [...used] };
  }
  return result;
}

/** Counts the data files of each graph in a folder, which transformers.js wants to know. */
function countDataFiles(sessions: Manifest['sessions']): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const byName of Object.values(sessions))
    for (const { graph, data } of Object.values(byName))
      counts[graph.slice(GRAPHS.length)] = data.filter((path) => path.startsWith(`${graph}_data`)).length;
  return counts;
}

/** Moves the written files into OUT: by one rename where OUT is new, else file by file with the manifest last. */
async function publish(made: string, out: string, merge: boolean): Promise<void> {
  if (!merge) {
    await rm(out, { recursive: true, force: true });
    await rename(made, out);
    return;
  }
  await mkdir(join(out, GRAPHS), { recursive: true });
  const graphs = await readdir(join(made, GRAPHS));
  for (const name of graphs) await rename(join(made, GRAPHS, name), join(out, GRAPHS, name));
  for (const name of ['config.json', 'manifest.json']) await rename(join(made, name), join(out, name));
}

/**
 * Exports a checkpoint. Where it fails, `out` stays as it was.
 * @param options the checkpoint, the folder, and the form.
 * @returns the folder's manifest.
 * @throws ExportError with a sentence for a person, or the signal's reason.
 */
export async function exportModel(options: ExportOptions): Promise<Manifest> {
  const { dtype = 'q4', imageAttention = 'bidirectional', roundWeights = false, onProgress, signal } = options;
  const out = resolve(options.out);
  const before = await readExisting(out);
  const checkpoint = await Checkpoint.open(options.checkpoint);
  let made: string | null = null;
  try {
    const { config } = checkpoint;
    const shared = {
      contextLength: chooseContextLength(
        options.contextLength ?? before?.contextLength,
        config.text.maxPositionEmbeddings,
      ),
      imageAttention: config.vision ? imageAttention : ('none' as const),
    };
    if (before) checkMerge(before, dtype, shared);
    const sessions = buildSessions(checkpoint, {
      precision: { dtype, roundWeights },
      imageAttention,
      contextLength: shared.contextLength,
    });
    await mkdir(dirname(out), { recursive: true });
    // The folder is beside OUT, since a rename is one step only within a file system. mkdtemp would make it private.
    made = join(dirname(out), `.${basename(out)}.partial-${randomUUID().slice(0, 8)}`);
    await mkdir(made);
    const written = await writeSessions(sessions, {
      folder: made,
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    });

    const companions = await companionFiles(checkpoint);
    const small: ManifestFile[] = [];
    if (before) {
      for (const [name, bytes] of companions) {
        const there = await readFile(join(out, name)).catch(() => null);
        if (!there?.equals(bytes))
          throw new ExportError(`${out} was made from another checkpoint: its ${name} differs.`);
      }
      small.push(...before.files.filter(({ path }) => path !== 'config.json'));
    } else for (const [name, bytes] of companions) small.push(await writeHashed(made, name, bytes));
    const manifestSessions: Manifest['sessions'] = { ...before?.sessions, [dtype]: written.sessions };
    const cacheTypes = manifestSessions.q4f16 ? { q4f16: 'float16' } : {};
    const configBytes = exportedConfig(checkpoint, countDataFiles(manifestSessions), cacheTypes);
    const files = [await writeHashed(made, 'config.json', configBytes), ...small, ...written.files];
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const card = await modelCard(options.checkpoint, checkpoint.rawConfig);
    const manifest: Manifest = {
      format: MANIFEST_FORMAT,
      id: options.id ?? before?.id ?? basename(resolve(options.checkpoint)),
      revision: revisionOf(files),
      licence: options.licence ?? before?.licence ?? card.licence,
      baseModel: before?.baseModel ?? card.baseModel,
      ...shared,
      cache: 'static',
      sessions: manifestSessions,
      files,
    };
    await writeHashed(made, 'manifest.json', new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`));
    signal?.throwIfAborted();
    await publish(made, out, before !== null);
    return manifest;
  } finally {
    await checkpoint.close();
    if (made) await rm(made, { recursive: true, force: true });
  }
}
