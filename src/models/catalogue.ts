/** The models of the catalogue, their requirements, and how a person names other models. */
import { CACHE_SLACK, DEFAULT_CONTEXT } from '../../protocol/engine.ts';
import { HUB_MODELS, HUB_ORIGIN, type HubModel } from '../../protocol/hub-models.ts';
import type { ModelSource } from '../../protocol/store.ts';
import type { MessageKey } from '../i18n/i18n.svelte.ts';

export { modelNameOf as nameOf } from '../../protocol/hub-models.ts';

export interface CatalogueEntry extends HubModel {
  /** The message that describes the model. */
  about: MessageKey;
  /** The model reads pictures. */
  vision: boolean;
  /** Approximate download size, bytes. */
  size: number;
  /**
   * The dimensions from which the memory is computed: layers with full and sliding attention, the window in tokens, KV
   * heads, head size, hidden size.
   */
  shape: { full: number; sliding: number; window: number; kvHeads: number; headDim: number; hidden: number };
}

/** Bytes of tokenizer and configuration. */
const SMALL_FILES = 25e6;

/**
 * The dtype to download: 4-bit weights with fp32 scales and activations. Our kernels run it on GPUs with and without
 * fp16 and on the CPU, so that one copy serves a room of different devices. With fp16 activations (q4f16) 1B and 4B
 * overflow.
 */
export const DTYPE = 'q4';

/** Google's Gemma 3, exported by onnx-community. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    ...HUB_MODELS['gemma-3-270m'],
    about: 'models.about270m',
    vision: false,
    size: 323_175_770 + SMALL_FILES,
    shape: { full: 3, sliding: 15, window: 512, kvHeads: 1, headDim: 256, hidden: 640 },
  },
  {
    ...HUB_MODELS['gemma-3-1b'],
    about: 'models.about1b',
    vision: false,
    size: 859_106_816 + SMALL_FILES,
    shape: { full: 4, sliding: 22, window: 512, kvHeads: 1, headDim: 256, hidden: 1152 },
  },
  {
    ...HUB_MODELS['gemma-3-4b'],
    about: 'models.about4b',
    vision: true,
    size: 3.3e9 + SMALL_FILES,
    shape: { full: 5, sliding: 29, window: 1024, kvHeads: 4, headDim: 256, hidden: 2560 },
  },
];

export const GEMMA_TERMS = 'https://ai.google.dev/gemma/terms';

/** Identifies a source regardless of revision and dtype; null for picked files. */
export function sourceIdOf(source: ModelSource): string | null {
  if (source.kind === 'hub') return `hub:${source.repo}`;
  return source.kind === 'mirror' ? `mirror:${source.url}` : null;
}

/** Whether Gemma's terms apply: any repository may hold Google's weights, and a mirror names its licence. */
export const underGemmaTerms = (source: ModelSource, licence = ''): boolean =>
  source.kind === 'hub' || /gemma/i.test(licence);

const VOCABULARY = 262_144;
/** Bytes of a 4-bit weight. Scales are in a buffer of their own. */
const TABLE_BYTES = 0.5;
/** Approximate bytes of activations, picture features and staging buffers. */
const REST = 200e6;

export interface Need {
  /** Bytes to store. */
  disk: number;
  /** Bytes of memory. */
  memory: number;
  /** Bytes of the largest single GPU buffer. */
  largestBuffer: number;
}

/**
 * Memory = weights + KV cache of DEFAULT_CONTEXT tokens + the rest, where KV cache = (full layers × tokens + sliding
 * layers × their window and CACHE_SLACK) × (keys and values: 2) × kvHeads × headDim × 4 bytes. The largest buffer is
 * the embedding table.
 */
export function needOf({ size, shape }: CatalogueEntry): Need {
  const rows = shape.full * DEFAULT_CONTEXT + shape.sliding * (shape.window + CACHE_SLACK);
  const cache = rows * 2 * shape.kvHeads * shape.headDim * Float32Array.BYTES_PER_ELEMENT;
  return { disk: size, memory: size + cache + REST, largestBuffer: VOCABULARY * shape.hidden * TABLE_BYTES };
}

/**
 * Requirements of a model whose shape is unknown before the download. The KV cache is at most about a third of the
 * weights.
 */
export const needOfSize = (size: number): Need => ({ disk: size, memory: size * 1.4 + REST, largestBuffer: 0 });

/** Origins besides this site's own that the content security policy allows for models. */
const MODEL_ORIGINS: readonly string[] = typeof __MODEL_ORIGINS__ === 'undefined' ? [] : __MODEL_ORIGINS__;
const REPO = /^[\w.-]+\/[\w.-]+$/;

/** Reads how a person names a model: `owner/name`, the URL of its page on the hub, or the URL of a model folder. */
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

/** Models that this site offers, from its `models/catalogue.json` (docs/users/self-hosting.md). */
export async function siteModels(base: string): Promise<SiteModel[]> {
  try {
    const response = await fetch(new URL('models/catalogue.json', base));
    const { models } = (await response.json()) as { models: { url: string; name: string }[] };
    return models.flatMap(({ url, name }) => {
      const source = readSource(new URL(url, base).href, base);
      return 'kind' in source ? [{ name: String(name), source }] : [];
    });
  } catch {
    // Without the file or the network only the models of the hub are offered.
    return [];
  }
}
