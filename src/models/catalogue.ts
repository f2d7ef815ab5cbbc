/** The models that this page knows, and how others are named by whoever has them. */
import type { DeviceReport } from '../../protocol/engine.ts';
import type { ModelSource } from '../../protocol/store.ts';

export interface CatalogueEntry {
  name: string;
  repo: string;
  /** It sees pictures. */
  vision: boolean;
  /** Bytes to download, about, for each dtype that gives right answers. */
  sizes: { q4: number; q4f16?: number };
  /** What the memory it needs follows from. */
  shape: { layers: number; kvHeads: number; headDim: number; hidden: number };
  /** Its graph gives logits of the last token only; others give those of each token read. */
  lastLogitsOnly: boolean;
}

/** Tokenizer and configuration. */
const SMALL_FILES = 25e6;

/**
 * Google's Gemma 3, exported by onnx-community. With fp16 activations 1B and 4B overflow and answer nonsense, so they
 * come as q4; 270M was mended for it.
 */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: 'Gemma 3 270M',
    repo: 'onnx-community/gemma-3-270m-it-ONNX',
    vision: false,
    sizes: { q4: 323_175_770 + SMALL_FILES, q4f16: 272_956_893 + SMALL_FILES },
    shape: { layers: 18, kvHeads: 1, headDim: 256, hidden: 640 },
    lastLogitsOnly: false,
  },
  {
    name: 'Gemma 3 1B',
    repo: 'onnx-community/gemma-3-1b-it-ONNX-GQA',
    vision: false,
    sizes: { q4: 859_106_816 + SMALL_FILES },
    shape: { layers: 26, kvHeads: 1, headDim: 256, hidden: 1152 },
    lastLogitsOnly: false,
  },
  {
    name: 'Gemma 3 4B',
    repo: 'onnx-community/gemma-3-4b-it-ONNX',
    vision: true,
    sizes: { q4: 3.3e9 + SMALL_FILES },
    shape: { layers: 34, kvHeads: 4, headDim: 256, hidden: 2560 },
    lastLogitsOnly: true,
  },
];

export const GEMMA_TERMS = 'https://ai.google.dev/gemma/terms';

/** q4f16 is smaller and faster where its answers are right and the GPU has it. */
export const dtypeFor = ({ sizes }: CatalogueEntry, device: DeviceReport): 'q4' | 'q4f16' =>
  sizes.q4f16 !== undefined && device.webgpu?.shaderF16 ? 'q4f16' : 'q4';

/** The part of a source that stays the same whatever its revision and dtype; null for picked files. */
export function placeOf(source: ModelSource): string | null {
  if (source.kind === 'hub') return `hub:${source.repo}`;
  return source.kind === 'mirror' ? `mirror:${source.url}` : null;
}

/** Google's weights are under Gemma's terms. A repository may hold them; a mirror says what it holds. */
export const underGemmaTerms = (source: ModelSource, licence = ''): boolean =>
  source.kind === 'hub' || /gemma/i.test(licence);

const VOCABULARY = 262_144;
/** 4-bit weights with a half-precision scale for each 32 of them: 0.5 + 2/32 byte. */
const Q4_BYTES = 0.5625;
const CONTEXT = 4096;
/** The engine reads a prompt in chunks of this many tokens. */
const CHUNK = 256;
/** Activations, picture features, staging: about. */
const REST = 200e6;

export interface Need {
  /** Bytes to store. */
  disk: number;
  /** Bytes of memory on the GPU. */
  memory: number;
  /** The largest buffer among them. */
  largestBuffer: number;
}

/**
 * Memory = weights + 2 × KV cache of 4096 tokens (while a token is made, the new one stands beside the old)
 *        + fp32 logits + the rest,
 * where KV cache = layers × (keys and values: 2) × kvHeads × headDim × tokens × bytes of a number (q4: 4, q4f16: 2).
 * The largest buffer is the embedding table, or the logits.
 */
export function needOf({ sizes, shape, lastLogitsOnly }: CatalogueEntry, dtype: 'q4' | 'q4f16'): Need {
  const disk = sizes[dtype] ?? sizes.q4;
  const number = dtype === 'q4f16' ? 2 : 4;
  const cache = shape.layers * 2 * shape.kvHeads * shape.headDim * CONTEXT * number;
  const logits = (lastLogitsOnly ? 1 : CHUNK) * VOCABULARY * 4;
  const table = VOCABULARY * shape.hidden * Q4_BYTES;
  return { disk, memory: disk + 2 * cache + logits + REST, largestBuffer: Math.max(table, logits) };
}

/** Of a model whose shape is not known before it is there: the cache is about a third of the weights or less. */
export const needOfSize = (size: number): Need => ({ disk: size, memory: size * 1.4 + REST, largestBuffer: 0 });

/** A model's name for people, by the id in its manifest. */
export const nameOf = (id: string): string =>
  CATALOGUE.find(({ repo }) => repo === id)?.name ?? id.slice(id.lastIndexOf('/') + 1);

/** The origins besides this site's own that the page may fetch models from, as built into its policy. */
const MODEL_ORIGINS: readonly string[] = typeof __MODEL_ORIGINS__ === 'undefined' ? [] : __MODEL_ORIGINS__;
const HUB_ORIGIN = 'https://huggingface.co';
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

/** Models that whoever runs this site offers, from its `models/catalogue.json` (docs/self-hosting.md). */
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
