/** What a model is made of and how its bytes will be verified, known before they are fetched. */
import type { Dtype } from '../../protocol/engine.ts';
import type { Manifest, SessionName } from '../../protocol/manifest.ts';
import type { ModelPlan, ModelSource } from '../../protocol/store.ts';

/** At least one of the hashes is known, but for files that a person picked from a folder without a manifest. */
export interface PlannedFile {
  path: string;
  size: number;
  /** SHA-256 of each part. */
  parts?: string[];
  /** SHA-256 of the whole: all that the hub knows of a large file. */
  sha256?: string;
  /** SHA-1 of git's blob: all that the hub knows of a small file. */
  gitSha1?: string;
}

export interface Plan extends Pick<
  Manifest,
  'id' | 'revision' | 'licence' | 'baseModel' | 'contextLength' | 'imageAttention' | 'cache' | 'sessions'
> {
  key: string;
  dtype: Dtype;
  source: ModelSource;
  /** In the order of their paths: the record of parts counts on it. */
  files: PlannedFile[];
}

const PREFERRED: readonly Dtype[] = ['q4', 'q4f16', 'fp16', 'fp32'];

/** @throws Error when the folder has none of what was asked. */
export function chooseDtype(sessions: Manifest['sessions'], requested: Dtype | undefined): Dtype {
  const dtype = (requested ? [requested] : PREFERRED).find((each) => sessions[each]);
  if (!dtype) throw new Error(`no ONNX graphs of dtype ${requested ?? PREFERRED.join(', ')}`);
  return dtype;
}

/** A name for the store: readable, and another for each revision and dtype. */
export const keyOf = (id: string, revision: string, dtype: Dtype): string =>
  [id.replace(/[^A-Za-z0-9.-]+/g, '~').slice(0, 80), dtype, revision.replace(/[^A-Za-z0-9]+/g, '').slice(0, 12)].join(
    '_',
  );

export const makePlan = (parts: Omit<Plan, 'key'>): Plan => ({
  ...parts,
  key: keyOf(parts.id, parts.revision, parts.dtype),
  files: [...parts.files].sort((a, b) => (a.path < b.path ? -1 : 1)),
});

/** The plan of one dtype of a folder that has a manifest: everything but what only its other dtypes need. */
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

export const sizeOf = (plan: Plan): number => plan.files.reduce((sum, { size }) => sum + size, 0);

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
