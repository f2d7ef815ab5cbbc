/**
 * @file The Hugging Face hub as a source: the listing of a repository at one commit, and its files. Every read starts from
 * `/resolve/COMMIT/`, which redirects to a signed address that expires.
 */
import { listFiles, modelInfo } from '@huggingface/hub';
import { HUB_ORIGIN } from '../../../protocol/hub-models.ts';
import { parseManifest } from '../../../protocol/manifest.ts';
import { pathsOf, readListing, sessionsIn } from '../../../protocol/model-listing.ts';
import { type ModelSource, StoreError } from '../../../protocol/store.ts';
import { gitSha1 } from '../hashing.ts';
import { chooseDtype, makePlan, type Plan, planManifest, type PlannedFile } from '../plan.ts';
import { get, getRange } from './http.ts';
import type { ByteSource } from './source.ts';

type HubSource = Extract<ModelSource, { kind: 'hub' }>;

const urlOf = (repo: string, revision: string, path: string): string =>
  `${HUB_ORIGIN}/${repo}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`;

/** Fetches a small JSON file of the repository and verifies its git SHA-1. */
async function fetchVerifiedJson(
  repo: string,
  revision: string,
  file: PlannedFile,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await get(urlOf(repo, revision, file.path), {}, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (file.gitSha1 !== undefined && (await gitSha1(bytes)) !== file.gitSha1)
    throw new StoreError('source-bad', `${file.path} is not the file that the hub lists`);
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
}

/** A `fetch` for @huggingface/hub whose failures have a kind, and which takes nothing from a cache. */
const fetchListing =
  (signal: AbortSignal): typeof fetch =>
  (input, init) =>
    get(input instanceof Request ? input.url : String(input), Object.fromEntries(new Headers(init?.headers)), signal);

/**
 * Plans a repository, by its manifest or by its listing.
 * @param source the repository, and perhaps a revision and a dtype.
 * @param signal stops the requests.
 * @returns a plan that is pinned to the present commit of the revision.
 * @throws StoreError `not-a-model`, or `source-bad` where a file is not the one that is listed.
 * @throws SourceFailure
 */
export async function planHub(source: HubSource, signal: AbortSignal): Promise<Plan> {
  const { repo } = source;
  const fetch = fetchListing(signal);
  const info = await modelInfo({
    name: repo,
    revision: source.revision ?? 'main',
    additionalFields: ['sha', 'cardData'],
    fetch,
  });
  const revision = info.sha;
  const files: PlannedFile[] = [];
  for await (const { type, path, size, oid, lfs } of listFiles({ repo, revision, recursive: true, fetch }))
    if (type === 'file')
      files.push({ path, size: lfs?.size ?? size, ...(lfs ? { sha256: lfs.oid } : oid ? { gitSha1: oid } : {}) });

  const pinned: HubSource = { ...source, revision };
  const card = (info.cardData ?? {}) as Record<string, unknown>;
  const text = (key: string) => [card[key]].flat().find((value): value is string => typeof value === 'string');
  const licence = text('license_name') ?? text('license') ?? 'unknown';
  const baseModel = text('base_model') ?? '';
  try {
    const listed = files.find(({ path }) => path === 'manifest.json');
    if (listed) {
      const manifest = parseManifest(await fetchVerifiedJson(repo, revision, listed, signal));
      return planManifest({ ...manifest, id: repo, revision }, pinned);
    }
    const paths = files.map(({ path }) => path);
    const config = files.find(({ path }) => path === 'config.json');
    if (!config) throw new Error('there is no config.json');
    const dtype = chooseDtype(sessionsIn(paths), source.dtype);
    const body = readListing(paths, dtype, await fetchVerifiedJson(repo, revision, config, signal));
    const wanted = new Set(pathsOf(body.sessions, dtype, paths));
    return makePlan({
      ...body,
      ...{ id: repo, revision, licence, baseModel, dtype },
      source: { ...pinned, dtype },
      files: files.filter(({ path }) => wanted.has(path)),
    });
  } catch (cause) {
    if (cause instanceof Error && cause.constructor === Error)
      throw new StoreError('not-a-model', `${repo}: ${cause.message}`);
    throw cause;
  }
}

/**
 * Reads files of a repository.
 * @param source a planned source, whose revision is a commit.
 * @returns the source of their bytes.
 */
export function hubBytes({ repo, revision = 'main' }: HubSource): ByteSource {
  const source = {
    ranges: true,
    tries: 3,
    async read(file: PlannedFile, offset: number, length: number, signal: AbortSignal) {
      const range = await getRange(urlOf(repo, revision, file.path), offset, length, file.size, signal);
      if (range.whole) source.ranges = false;
      return range.bytes;
    },
  };
  return source;
}
