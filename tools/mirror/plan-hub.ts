/** @file Plans the mirror of a repository of the Hugging Face hub, at one commit. */
import { listFiles, modelInfo } from '@huggingface/hub';
import type { Dtype } from '../../protocol/engine.ts';
import { parseGemma3Config } from '../../protocol/gemma3-config.ts';
import { MANIFEST_FORMAT, parseManifest } from '../../protocol/manifest.ts';
import { pathsOf, readListing, sessionsIn } from '../../protocol/model-listing.ts';
import { MirrorError } from './failure.ts';
import type { HttpClient } from './http-client.ts';
import { hashBytes } from './partial-file.ts';
import {
  encodePath,
  sortByPath,
  matchesHashes,
  type MirrorPlan,
  planOfManifest,
  TRIES,
  type WantedFile,
} from './plan.ts';

export interface HubSource {
  hub: string;
  repo: string;
}

/** @returns the commit that a branch, tag or commit stands for, and licence and base model of the model card. */
export async function resolveRevision({ hub, repo }: HubSource, revision: string, client: HttpClient) {
  const info = await modelInfo({
    name: repo,
    revision,
    additionalFields: ['sha', 'cardData'],
    fetch: client.fetch,
    hubUrl: hub,
  });
  const card = (info.cardData ?? {}) as Record<string, unknown>;
  const text = (key: string): string | undefined =>
    [card[key]].flat().find((value): value is string => typeof value === 'string' && value !== '');
  return {
    commit: info.sha,
    licence: text('license_name') ?? text('license') ?? 'unknown',
    baseModel: text('base_model') ?? '',
  };
}

/** @returns whether a listed path stays inside the folder; listings are not trusted. */
const staysInside = (path: string): boolean =>
  !path.includes('\\') && path.split('/').every((step) => step !== '' && step !== '.' && step !== '..');

async function readJson(file: WantedFile, url: string, client: HttpClient): Promise<unknown> {
  for (let tried = 0; tried < TRIES; tried++) {
    const bytes = new Uint8Array(await (await client.fetch(url)).arrayBuffer());
    if (matchesHashes(file, hashBytes(file.path, bytes))) return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  }
  throw new MirrorError(`${file.path} is not the file that the hub lists.`);
}

/** @throws MirrorError with a sentence where the repository is no Gemma 3 with this dtype. */
export async function planHub(
  source: HubSource,
  revision: string,
  dtype: Dtype,
  client: HttpClient,
): Promise<MirrorPlan> {
  const { hub, repo } = source;
  const { commit, licence, baseModel } = await resolveRevision(source, revision, client);
  const urlOf = (path: string) => `${hub}/${repo}/resolve/${commit}/${encodePath(path)}`;
  const files: WantedFile[] = [];
  const listing = listFiles({ repo, revision: commit, recursive: true, fetch: client.fetch, hubUrl: hub });
  for await (const { type, path, size, oid, lfs } of listing)
    if (type === 'file' && staysInside(path) && (lfs ?? oid))
      files.push({ path, size: lfs?.size ?? size, ...(lfs ? { sha256: lfs.oid } : oid ? { gitSha1: oid } : {}) });

  const paths = files.map(({ path }) => path);
  try {
    const listed = files.find(({ path }) => path === 'manifest.json');
    if (listed) {
      const manifest = parseManifest(await readJson(listed, urlOf(listed.path), client));
      return { ...planOfManifest({ ...manifest, id: repo, revision: commit }, dtype), urlOf };
    }
    const config = files.find(({ path }) => path === 'config.json');
    if (!config) throw new Error('there is no config.json');
    const read = await readJson(config, urlOf(config.path), client);
    parseGemma3Config(read);
    const has = Object.keys(sessionsIn(paths));
    if (has.length && !has.includes(dtype)) throw new MirrorError(`${repo} has no ${dtype}; it has ${has.join(', ')}.`);
    const body = readListing(paths, dtype, read);
    const wanted = new Set(pathsOf(body.sessions, dtype, paths));
    return {
      manifest: { format: MANIFEST_FORMAT, id: repo, revision: commit, licence, baseModel, ...body },
      files: sortByPath(files.filter(({ path }) => wanted.has(path))),
      urlOf,
    };
  } catch (cause) {
    if (cause instanceof Error && cause.constructor === Error)
      throw new MirrorError(`${repo} is no Gemma 3 that can be mirrored: ${cause.message}.`, { cause });
    throw cause;
  }
}
