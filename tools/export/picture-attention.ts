/**
 * @file Bidirectional attention of picture tokens. During prefill they attend to all tokens of their picture, later ones
 * included (transformers `token_type_ids_mask_function`). GroupQueryAttention is causal only, but it writes the cache. So it
 * always runs, and for the chunk's picture rows its output is replaced by plain attention over the same cache. All of this
 * is inside an If, which decoding skips.
 *
 * Inputs, for M picture rows of a chunk (batch 1; M ≥ 1 always, any row with `has_pictures` false):
 *   has_pictures    bool []
 *   image_rows      int64 [M]            rows of this chunk
 *   image_positions int64 [1, M]         their positions in the whole text
 *   mask_local, mask_global float32 [1, M, total]   0 where the row sees the token, −1e9 elsewhere, for sliding and
 *                                        full layers. Row q sees token k on a full layer where k ≤ q or both are of
 *                                        the same picture; on a sliding layer only if, besides, k > q − window
 */
import type { TextConfig } from '../../protocol/gemma3-config.ts';
import { cast, type Context } from './layers.ts';

/**
 * Adds the graph inputs, and the shapes that every layer's branch uses.
 * @param context the graph.
 * @param text numbers and sizes of heads.
 */
export function pictureInputs({ graph }: Context, text: TextConfig): void {
  const { heads, kvHeads, headDim } = text;
  graph.input('has_pictures', 'bool', []);
  graph.input('image_rows', 'int64', ['image_tokens']);
  graph.input('image_positions', 'int64', ['batch_size', 'image_tokens']);
  for (const mask of ['mask_local', 'mask_global'])
    graph.input(mask, 'float32', [1, 'image_tokens', 'total_sequence_length']);
  const n = (value: number) => graph.ints([value]);
  graph.op('Unsqueeze', ['image_rows', n(1)], 'image_row_index');
  graph.op('Shape', ['image_rows'], 'image_count');
  graph.op('Mul', ['image_count', n(heads / kvHeads)], 'image_group_count');
  graph.op('Shape', ['attention_mask'], 'picture_total', { start: 1, end: 2 });
  const shapes: Record<string, string[]> = {
    // Query heads are grouped under the key head that they share, so that no key is repeated.
    heads_last: [n(1), 'image_count', n(heads), n(headDim)],
    grouped: [n(1), n(kvHeads), 'image_group_count', n(headDim)],
    scores: [n(heads), 'image_count', 'picture_total'],
    grouped_scores: [n(1), n(kvHeads), 'image_group_count', 'picture_total'],
    heads_first: [n(1), n(heads), 'image_count', n(headDim)],
    rows: ['image_count', n(heads * headDim)],
  };
  for (const [name, parts] of Object.entries(shapes)) graph.op('Concat', parts, `picture_${name}`, { axis: 0 });
}

/** The attention of one layer. */
export interface PictureLayer {
  /** Name of the attention's node. Its causal output is `${node}.causal`. */
  node: string;
  /** Name of the normalised queries before RoPE, [batch, sequence, heads · headDim]. */
  q: string;
  /** Names of the cache's keys and values, [batch, kvHeads, length, headDim]. They may be longer than the text. */
  present: string[];
  /** Names of the RoPE tables, cosines and sines. */
  rope: string[];
  /** Name of the layer's mask. */
  mask: string;
  /** Factor of the attention scores. */
  scale: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/**
 * Replaces the picture rows of a layer's causal attention.
 * @param context the graph.
 * @param layer the attention.
 * @returns name of the attention's output, [batch, sequence, heads · headDim] in the compute type.
 */
export function pictureAttention(context: Context, layer: PictureLayer): string {
  const { graph, compute } = context;
  const { node, q, present, mask, scale, heads, headDim } = layer;
  const causal = `${node}.causal`;
  const at = (name: string) => `${node}.picture.${name}`;
  const swap = graph.branch(`${node}.then`, at('replaced'), compute, () => {
    const reshape = (x: string, shape: string) => graph.op('Reshape', [x, `picture_${shape}`], `${x}.${shape}`);
    const swapHeads = (x: string) => graph.op('Transpose', [x], `${x}.swapped`, { perm: [0, 2, 1, 3] });
    // This attention is in fp32: the masks' −1e9 is past fp16's range, and pictures are rare.
    const wide = (x: string) => cast(graph, x, compute, 'float32');

    graph.op('Gather', [q, 'image_rows'], at('q'), { axis: 1 });
    graph.op('RotaryEmbedding', [at('q'), 'image_positions', ...layer.rope], at('turned'), {
      num_heads: heads,
      rotary_embedding_dim: 0,
      interleaved: 0,
    });
    const queries = reshape(swapHeads(reshape(wide(at('turned')), 'heads_last')), 'grouped');
    const [keys = '', values = ''] = present.map((cache, part) =>
      wide(graph.op('Slice', [cache, graph.ints([0]), 'picture_total', graph.ints([2])], at(part ? 'values' : 'keys'))),
    );
    graph.op('Transpose', [keys], at('keys_last'), { perm: [0, 1, 3, 2] });
    graph.op('MatMul', [queries, at('keys_last')], at('products'));
    graph.op('Mul', [at('products'), graph.scalar(scale)], at('scaled'));
    graph.op('Add', [reshape(at('scaled'), 'scores'), mask], at('masked'));
    graph.op('Softmax', [at('masked')], at('weights'), { axis: -1 });
    graph.op('MatMul', [reshape(at('weights'), 'grouped_scores'), values], at('sums'));
    const rows = reshape(swapHeads(reshape(at('sums'), 'heads_first')), 'rows');
    const width = heads * headDim;
    graph.op('Reshape', [causal, graph.ints([-1, width])], at('flat'));
    graph.op('ScatterND', [at('flat'), 'image_row_index', cast(graph, rows, 'float32', compute)], at('scattered'));
    graph.op('Reshape', [at('scattered'), graph.ints([1, -1, width])], at('replaced'));
  });
  const keep = graph.branch(`${node}.else`, at('kept'), compute, () => {
    graph.op('Identity', [causal], at('kept'));
  });
  return graph.op('If', ['has_pictures'], `${node}.seen`, { then_branch: swap, else_branch: keep });
}
