/**
 * Reads a model folder that others made: the transformers.js layout without our manifest.json. Which files are a
 * model's, and what the manifest would say of them. No input or output.
 */
import type { Dtype } from './engine.ts';
import { parseGemma3Config } from './gemma3-config.ts';
import type { Manifest, SessionName } from './manifest.ts';

const SUFFIX: Record<Dtype, string> = { fp32: '', fp16: '_fp16', q4: '_q4', q4f16: '_q4f16' };
const LAYOUTS: readonly (readonly SessionName[])[] = [
  ['model'],
  ['embed_tokens', 'vision_encoder', 'decoder_model_merged'],
];

/** Everything but graphs and weights that the engine may read; a folder needs the first three. */
export const COMPANIONS = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
] as const;
const NEEDED = COMPANIONS.slice(0, 3);

/** The sessions of each dtype whose graphs are all there, with their external data files in order. */
export function sessionsIn(paths: readonly string[]): Manifest['sessions'] {
  const known = new Set(paths);
  const sessions: Manifest['sessions'] = {};
  for (const [dtype, suffix] of Object.entries(SUFFIX) as [Dtype, string][]) {
    const layout = LAYOUTS.find((names) => names.every((name) => known.has(`onnx/${name}${suffix}.onnx`)));
    if (!layout) continue;
    sessions[dtype] = Object.fromEntries(
      layout.map((name) => {
        const graph = `onnx/${name}${suffix}.onnx`;
        const data = paths
          .filter((path) => path === `${graph}_data` || path.startsWith(`${graph}_data_`))
          .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
        return [name, { graph, data }];
      }),
    );
  }
  return sessions;
}

/** Paths a model of this dtype is made of: sessions' files and what companions there are. */
export function pathsOf(sessions: Manifest['sessions'], dtype: Dtype, paths: readonly string[]): string[] {
  const wanted = new Set<string>(COMPANIONS);
  for (const { graph, data } of Object.values(sessions[dtype] ?? {}))
    for (const path of [graph, ...data]) wanted.add(path);
  return paths.filter((path) => wanted.has(path));
}

/**
 * What a manifest says of such a folder, its identity and files aside. Nothing is known of how its caches are laid out
 * or its pictures attend, so the careful values are taken: a cache that grows, causal pictures.
 * @param paths all files of the folder, with `/`.
 * @param config the folder's config.json.
 * @throws Error with a sentence, when it is not a Gemma 3 in this layout and dtype.
 */
export function readListing(
  paths: readonly string[],
  dtype: Dtype,
  config: unknown,
): Pick<Manifest, 'contextLength' | 'imageAttention' | 'cache' | 'sessions'> {
  const { text, vision } = parseGemma3Config(config);
  const missing = NEEDED.filter((path) => !paths.includes(path));
  if (missing.length) throw new Error(`the folder has no ${missing.join(', ')}`);
  const sessions = sessionsIn(paths)[dtype];
  if (!sessions) throw new Error(`the folder has no ONNX graphs of dtype ${dtype}`);
  return {
    contextLength: text.maxPositionEmbeddings,
    imageAttention: vision && sessions.vision_encoder ? 'causal' : 'none',
    cache: 'dynamic',
    sessions: { [dtype]: sessions },
  };
}
