/** The models that this page knows, and how others are named by whoever has them. */
import { CACHE_SLACK, DEFAULT_CONTEXT } from '../../protocol/engine.ts';
import { HUB_MODELS, HUB_ORIGIN, type HubModel } from '../../protocol/hub-models.ts';
import type { ModelSource } from '../../protocol/store.ts';

export { modelNameOf as nameOf } from '../../protocol/hub-models.ts';

export interface CatalogueEntry extends HubModel {
  /** It sees pictures. */
  vision: boolean;
  /** Bytes to download, about. */
  size: number;
  /** What the memory it needs follows from. */
  shape: { full: number; sliding: number; window: number; kvHeads: number; headDim: number; hidden: number };
}

/** Tokenizer and configuration. */
const SMALL_FILES = 25e6;

/**
 * Of what others export. Our own kernels read it on GPUs with and without 16-bit floats and on the CPU, so that one copy
 * serves a room of different computers. With fp16 activations (q4f16) 1B and 4B overflow and answer nonsense.
 */
export const DTYPE = 'q4';

/** Google's Gemma 3, exported by onnx-community. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    ...HUB_MODELS['gemma-3-270m'],
    vision: false,
    size: 323_175_770 + SMALL_FILES,
    shape: { full: 3, sliding: 15, window: 512, kvHeads: 1, headDim: 256, hidden: 640 },
  },
  {
    ...HUB_MODELS['gemma-3-1b'],
    vision: false,
    size: 859_106_816 + SMALL_FILES,
    shape: { full: 4, sliding: 22, window: 512, kvHeads: 1, headDim: 256, hidden: 1152 },
  },
  {
    ...HUB_MODELS['gemma-3-4b'],
    vision: true,
    size: 3.3e9 + SMALL_FILES,
    shape: { full: 5, sliding: 29, window: 1024, kvHeads: 4, headDim: 256, hidden: 2560 },
  },
];

export const GEMMA_TERMS = 'https://ai.google.dev/gemma/terms';

/** The part of a source that stays the same whatever its revision and dtype; null for picked files. */
export function sourceIdOf(source: ModelSource): string | null {
  if (source.kind === 'hub') return `hub:${source.repo}`;
  return source.kind === 'mirror' ? `mirror:${source.url}` : null;
}

/** Google's weights are under Gemma's terms. A repository may hold them; a mirror says what it holds. */
export const underGemmaTerms = (source: ModelSource, licence = ''): boolean =>
  source.kind === 'hub' || /gemma/i.test(licence);

const VOCABULARY = 262_144;
/** Of a 4-bit weight; scales are a buffer of their own. */
const TABLE_BYTES = 0.5;
/** Activations, picture features, staging: about. */
const REST = 200e6;

export interface Need {
  /** Bytes to store. */
  disk: number;
  /** Bytes of memory. */
  memory: number;
  /** The largest buffer among them. */
  largestBuffer: number;
}

/**
 * Memory = weights + KV cache of DEFAULT_CONTEXT tokens + the rest, where KV cache = (full layers × tokens + sliding layers × their
 * window and CACHE_SLACK) × (keys and values: 2) × kvHeads × headDim × 4 bytes. The largest buffer is the embedding table.
 */
export function needOf({ size, shape }: CatalogueEntry): Need {
  const rows = shape.full * DEFAULT_CONTEXT + shape.sliding * (shape.window + CACHE_SLACK);
  const cache = rows * 2 * shape.kvHeads * shape.headDim * Float32Array.BYTES_PER_ELEMENT;
  return { disk: size, memory: size + cache + REST, largestBuffer: VOCABULARY * shape.hidden * TABLE_BYTES };
}

/** Of a model whose shape is not known before it is there: the cache is about a third of the weights or less. */
export const needOfSize = (size: number): Need => ({ disk: size, memory: size * 1.4 + REST, largestBuffer: 0 });

/** The origins besides this site's own that the page may fetch models from, as built into its policy. */
const MODEL_ORIGINS: readonly string[] = typeof __MODEL_ORIGINS__ === 'undefined' ? [] : __MODEL_ORIGINS__;
const REPO = /^[\w.-]+\/[\w.-]+$/;

/** What a person typed to name a model: `owner/name`, its page on the hub, or the address of a model folder. */
export function readSource(
  text: string,
  base: string,
  origins = MODEL_ORIGINS,
): ModelSource | { refused: 'own.unreadable' | 'own.originRefused' } {
  const typed = text.trim();
  if (REPO.test(typed)) return { kind: 'hub', repo: typed };
  let url: URL;
  try {
    url = new URL(typed, /^[./]/.test(typed) ? base : undefined);
  } catch {
    return { refused: 'own.unreadable' };
  }
  if (url.origin === HUB_ORIGIN) {
    const [owner, name, tree, revision] = url.pathname.slice(1).split('/');
    const repo = `${owner}/${name ?? ''}`;
    if (!REPO.test(repo)) return { refused: 'own.unreadable' };
    return { kind: 'hub', repo, ...(tree === 'tree' && revision ? { revision } : {}) };
  }
  if (url.origin !== new URL(base).origin && !origins.includes(url.origin)) return { refused: 'own.originRefused' };
  url.search = url.hash = '';
  url.pathname = url.pathname.replace(/(\/manifest\.json|\/)?$/, '/');
  return { kind: 'mirror', url: url.href };
}

export interface SiteModel {
  name: string;
  source: ModelSource;
}

/** Models that whoever runs this site offers, from its `models/catalogue.json` (docs/users/self-hosting.md). */
export async function siteModels(base: string): Promise<SiteModel[]> {
  try {
    const response = await fetch(new URL('models/catalogue.json', base));
    const { models } = (await response.json()) as { models: { url: string; name: string }[] };
    return models.flatMap(({ url, name }) => {
      const source = readSource(new URL(url, base).href, base);
      return 'kind' in source ? [{ name: String(name), source }] : [];
    });
  } catch {
    // None, or no network: the models of the hub are offered all the same.
    return [];
  }
}
