/** @file Plans: which files make up a model and how their bytes will be verified, known before they are downloaded. */
import type { Dtype } from '../../protocol/engine.ts';
import type { Manifest, SessionName } from '../../protocol/manifest.ts';
import type { ModelPlan, ModelSource } from '../../protocol/store.ts';

/** A file of a model. One of its hashes is known, unless a person picked it from a folder without a manifest. */
export interface PlannedFile {
  /** Path in the model's folder, with `/`. */
  path: string;
  /** Size in bytes. */
  size: number;
  /** SHA-256 of each part, from a manifest. */
  parts?: string[];
  /** SHA-256 of the whole file: all that the hub knows of a large file. */
  sha256?: string;
  /** SHA-1 of git's blob: all that the hub knows of a small file. */
  gitSha1?: string;
}

/** A model in one dtype, from one source. */
export interface Plan extends Pick<
  Manifest,
  'id' | 'revision' | 'licence' | 'baseModel' | 'contextLength' | 'imageAttention' | 'cache' | 'sessions'
> {
  key: string;
  dtype: Dtype;
  source: ModelSource;
  /** Sorted by path. The record of parts relies on the order. */
  files: PlannedFile[];
}

/** The best first: fp16 is nearly last, since Gemma 3's activations exceed its range. */
const PREFERRED: readonly Dtype[] = ['q4', 'q4f16', 'fp16', 'fp32'];

/**
 * Chooses the dtype to download.
 * @param sessions the folder's sessions.
 * @param requested the dtype that the source names, if any.
 * @returns the requested dtype, or the best one.
 * @throws Error with a sentence, where the folder does not have it.
 */
export function chooseDtype(sessions: Manifest['sessions'], requested: Dtype | undefined): Dtype {
  const dtype = (requested ? [requested] : PREFERRED).find((each) => sessions[each]);
  if (!dtype) throw new Error(`no ONNX graphs of dtype ${requested ?? PREFERRED.join(', ')}`);
  return dtype;
}

/**
 * Names a model's folder in the store.
 * @param id the model's id.
 * @param revision its revision.
 * @param dtype its dtype.
 * @returns a readable name that is safe in a path and differs for each revision and dtype.
 */
export const keyOf = (id: string, revision: string, dtype: Dtype): string =>
  [id.replace(/[^A-Za-z0-9.-]+/g, '~').slice(0, 80), dtype, revision.replace(/[^A-Za-z0-9]+/g, '').slice(0, 12)].join(
    '_',
  );

/**
 * Completes a plan.
 * @param parts everything but the key; the files in any order.
 * @returns the plan with its key and sorted files.
 */
export const makePlan = (parts: Omit<Plan, 'key'>): Plan => ({
  ...parts,
  key: keyOf(parts.id, parts.revision, parts.dtype),
  files: [...parts.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
});

/**
 * Plans one dtype of a folder that has a manifest.
 * @param manifest of the folder.
 * @param source where its files come from, with the dtype if one is requested.
 * @returns a plan with all files but those that only other dtypes need.
 * @throws Error with a sentence, where the folder does not have the dtype.
 */
export function planManifest(manifest: Manifest, source: ModelSource): Plan {
  const dtype = chooseDtype(manifest.sessions, source.dtype);
  const pathsOf = (sessions: Partial<Record<SessionName, { graph: string; data: string[] }>> = {}) =>
    Object.values(sessions).flatMap(({ graph, data }) => [graph, ...data]);
  const own = new Set(pathsOf(manifest.sessions[dtype]));
  const others = new Set(Object.values(manifest.sessions).flatMap((sessions) => pathsOf(sessions)));
  const { id, revision, licence, baseModel, contextLength, imageAttention, cache } = manifest;
  return makePlan({
    ...{ id, revision, licence, baseModel, contextLength, imageAttention, cache, dtype },
    sessions: { [dtype]: manifest.sessions[dtype] },
    source: { ...source, dtype },
    files: manifest.files.filter(({ path }) => own.has(path) || !others.has(path)),
  });
}

/**
 * Adds up a plan's files.
 * @param plan any plan.
 * @returns bytes.
 */
export const sizeOf = (plan: Plan): number => plan.files.reduce((sum, { size }) => sum + size, 0);

/**
 * Describes a plan for the page.
 * @param plan any plan.
 * @param present bytes that are stored already.
 * @returns a summary without the files.
 */
export const describePlan = (plan: Plan, present: number): ModelPlan => ({
  key: plan.key,
  id: plan.id,
  revision: plan.revision,
  licence: plan.licence,
  dtype: plan.dtype,
  vision: plan.sessions[plan.dtype]?.vision_encoder !== undefined,
  contextLength: plan.contextLength,
  size: sizeOf(plan),
  present,
  source: plan.source,
});
