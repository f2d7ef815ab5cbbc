/**
 * @file Reads the listing of a model folder that others made, in the transformers.js layout and without manifest.json:
 * which files belong to a model, and what a manifest would say of them. Nothing is fetched or written here.
 */
import type { Dtype } from './engine.ts';
import { parseGemma3Config } from './gemma3-config.ts';
import type { Manifest, SessionName } from './manifest.ts';

/** Suffixes of graph files by dtype: transformers.js's `DEFAULT_DTYPE_SUFFIX_MAPPING`. */
export const DTYPE_SUFFIX: Readonly<Record<Dtype, string>> = { fp32: '', fp16: '_fp16', q4: '_q4', q4f16: '_q4f16' };

const LAYOUTS: readonly (readonly SessionName[])[] = [
  ['model'],
  ['embed_tokens', 'vision_encoder', 'decoder_model_merged'],
];

/** Names of all files besides graphs and weights that the engine may read. A folder must have the first three. */
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

/**
 * Finds the ONNX sessions of a folder.
 * @param paths all files of the folder, with `/`.
 * @returns by dtype, the sessions whose graphs are all there, with their external data files in numeric order.
 */
export function sessionsIn(paths: readonly string[]): Manifest['sessions'] {
  const known = new Set(paths);
  const sessions: Manifest['sessions'] = {};
  for (const [dtype, suffix] of Object.entries(DTYPE_SUFFIX) as [Dtype, string][]) {
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

/**
 * Lists the files of a model in one dtype.
 * @param sessions the folder's sessions.
 * @param dtype the dtype to load.
 * @param paths all files of the folder.
 * @returns the paths of its graphs, external data and the companions that are there, in the folder's order.
 */
export function pathsOf(sessions: Manifest['sessions'], dtype: Dtype, paths: readonly string[]): string[] {
  const wanted = new Set<string>(COMPANIONS);
  for (const { graph, data } of Object.values(sessions[dtype] ?? {}))
    for (const path of [graph, ...data]) wanted.add(path);
  return paths.filter((path) => wanted.has(path));
}

/**
 * Describes such a folder as a manifest does, without its identity and files. Nothing is known of how its caches are laid
 * out or its picture tokens attend, so the safe values are taken: a cache that grows, causal attention.
 * @param paths all files of the folder, with `/`.
 * @param dtype the dtype to load.
 * @param config the folder's parsed config.json.
 * @returns the manifest's fields.
 * @throws Error with a sentence, where it is not a Gemma 3 in this layout and dtype.
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
