/** A small random decoder, and what it computes in plain arithmetic: numbers of 64 bits, one token after another. */
import type { Gemma3Config, LayerType } from '../../../../../protocol/gemma3-config.ts';
import { dequantise } from '../../ort/cpu/dequantise.ts';
import type { StoredTensor } from '../../../onnx/graph.ts';
import { seededRandom } from '../../../sampling/random.ts';
import type { PackedMatrix, LayerWeights, DecoderWeights } from '../../../onnx/match-decoder.ts';
import { LAYER_TYPES, RopeTables } from '../../../math/rope.ts';

export interface Shape {
  hiddenSize: number;
  intermediateSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocabSize: number;
  window: number;
  layerTypes: LayerType[];
  /** Matrices have zeros of their own. */
  zeros: boolean;
}

export function configOf(shape: Shape): Gemma3Config {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize, window, layerTypes } = shape;
  return {
    text: {
      ...{ hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize },
      ...{ layers: layerTypes.length, layerTypes, slidingWindow: window },
      ...{ rmsNormEps: 1e-6, queryPreAttnScalar: headDim, maxPositionEmbeddings: 4096 },
      rope: { sliding_attention: { theta: 1e4, factor: 1 }, full_attention: { theta: 1e6, factor: 8 } },
      ...{ tieWordEmbeddings: true, attentionBias: false, finalLogitSoftcapping: null },
    },
    ...{ vision: null, imageTokenId: null, boiTokenId: null, eoiTokenId: null, eosTokenIds: [1] },
  };
}

const bytesOf = (values: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): Uint8Array =>
  new Uint8Array(values.buffer);

export function randomModel(shape: Shape): DecoderWeights {
  const random = seededRandom(7);
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize, window, layerTypes, zeros } = shape;
  let count = 0;
  const tensor = (data: Uint8Array): StoredTensor => ({ name: `t${count++}`, dims: [data.length], dataType: 2, data });
  const floats = (length: number, make: () => number) => tensor(bytesOf(Float32Array.from({ length }, make)));
  const bytes = (length: number) => tensor(Uint8Array.from({ length }, () => Math.floor(random() * 256)));
  const norm = (length: number) => floats(length, () => 0.5 + random());
  const matrix = (rows: number, columns: number): PackedMatrix => {
    const blocks = columns / 32;
    const scale = 0.4 / Math.sqrt(columns);
    return {
      ...{ rows, columns, values: bytes(rows * blocks * 16) },
      scales: floats(rows * blocks, () => scale * (0.5 + random())),
      zeros: zeros ? bytes(rows * Math.ceil(blocks / 2)) : null,
    };
  };
  const layers = layerTypes.map((type, i): LayerWeights => ({
    ...{ key: `${i}.key`, value: `${i}.value`, window: type === 'sliding_attention' ? window : null },
    ...{ inputNorm: norm(hiddenSize), qNorm: norm(headDim), kNorm: norm(headDim) },
    ...{
      postAttentionNorm: norm(hiddenSize),
      preFeedforwardNorm: norm(hiddenSize),
      postFeedforwardNorm: norm(hiddenSize),
    },
    ...{ q: matrix(heads * headDim, hiddenSize), k: matrix(kvHeads * headDim, hiddenSize) },
    ...{ v: matrix(kvHeads * headDim, hiddenSize), out: matrix(hiddenSize, heads * headDim) },
    ...{ gate: matrix(intermediateSize, hiddenSize), up: matrix(intermediateSize, hiddenSize) },
    down: matrix(hiddenSize, intermediateSize),
  }));
  const embedding = matrix(vocabSize, hiddenSize);
  return { layers, finalNorm: norm(hiddenSize), embedding, head: embedding, bidirectionalImages: false };
}

const dataOf = ({ data }: StoredTensor): Uint8Array => {
  if (!(data instanceof Uint8Array)) throw new Error('not in the graph');
  return data;
};
const floatsOf = (tensor: StoredTensor): Float32Array => new Float32Array(dataOf(tensor).slice().buffer);

/** [rows, columns] */
function unpack({ rows, columns, values, scales, zeros }: PackedMatrix): Float32Array {
  const out = new Float32Array(rows * columns);
  const zeroPoints = zeros && dataOf(zeros);
  dequantise({ columns, block: 32, packed: dataOf(values), scales: floatsOf(scales), zeroPoints }, out);
  return out;
}

function normed(x: readonly number[], weight: Float32Array, epsilon: number): number[] {
  const by = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
  return x.map((value, i) => value * by * (weight[i] ?? NaN));
}

const gelu = (g: number) => 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3)));

export class ReferenceDecoder {
  private readonly past = new Map<string, number[][]>();
  private readonly unpacked = new Map<PackedMatrix, Float32Array>();
  private readonly rope: RopeTables;

  constructor(
    private readonly model: DecoderWeights,
    private readonly config: Gemma3Config,
  ) {
    this.rope = new RopeTables(config);
  }

  private times(matrix: PackedMatrix, x: readonly number[]): number[] {
    const weights = this.unpacked.get(matrix) ?? unpack(matrix);
    this.unpacked.set(matrix, weights);
    return Array.from({ length: matrix.rows }, (_, row) =>
      x.reduce((sum, value, i) => sum + value * (weights[row * matrix.columns + i] ?? NaN), 0),
    );
  }

  private heads(x: readonly number[]): number[][] {
    const { headDim } = this.config.text;
    return Array.from({ length: x.length / headDim }, (_, head) => x.slice(head * headDim, (head + 1) * headDim));
  }

  private rotated(head: readonly number[], weight: StoredTensor, layer: LayerWeights, position: number): number[] {
    const { headDim, rmsNormEps } = this.config.text;
    const half = headDim / 2;
    const table = LAYER_TYPES.indexOf(layer.window === null ? 'full_attention' : 'sliding_attention');
    const angles = this.rope.at(position).subarray(table * headDim);
    const h = normed(head, floatsOf(weight), rmsNormEps);
    return h.map((value, i) => {
      const [cos = NaN, sin = NaN] = angles.subarray(2 * (i % half));
      return i < half ? value * cos - (h[i + half] ?? NaN) * sin : value * cos + (h[i - half] ?? NaN) * sin;
    });
  }

  /** Reads a token. @returns logits [vocabSize] */
  step(id: number): number[] {
    const { model, config } = this;
    const { hiddenSize, heads, kvHeads, queryPreAttnScalar, rmsNormEps } = config.text;
    const table = unpack(model.embedding).subarray(id * hiddenSize, (id + 1) * hiddenSize);
    const norm = (values: readonly number[], weight: StoredTensor) => normed(values, floatsOf(weight), rmsNormEps);
    let x = Array.from(table, (value) => value * Math.fround(Math.sqrt(hiddenSize)));
    const add = (branch: readonly number[]) => {
      x = x.map((value, i) => value + (branch[i] ?? NaN));
    };
    for (const layer of model.layers) {
      const h = norm(x, layer.inputNorm);
      const [keys, values] = [this.past.get(layer.key) ?? [], this.past.get(layer.value) ?? []];
      this.past.set(layer.key, keys).set(layer.value, values);
      const position = keys.length;
      const rotated = (matrix: PackedMatrix, weight: StoredTensor) =>
        this.heads(this.times(matrix, h)).map((head) => this.rotated(head, weight, layer, position));
      keys.push(rotated(layer.k, layer.kNorm).flat());
      values.push(this.times(layer.v, h));
      const first = layer.window === null ? 0 : Math.max(0, position + 1 - layer.window);
      const attentionOut = rotated(layer.q, layer.qNorm).flatMap((query, head) => {
        const kv = Math.floor(head / (heads / kvHeads));
        const of = (rows: number[][]) => rows.slice(first).map((row) => this.heads(row)[kv] ?? []);
        const scores = of(keys).map(
          (key) => query.reduce((sum, value, i) => sum + value * (key[i] ?? NaN), 0) / Math.sqrt(queryPreAttnScalar),
        );
        const most = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - most));
        const all = weights.reduce((a, b) => a + b);
        const seen = of(values);
        return query.map((_, i) => weights.reduce((sum, weight, n) => sum + weight * (seen[n]?.[i] ?? NaN), 0) / all);
      });
      add(norm(this.times(layer.out, attentionOut), layer.postAttentionNorm));
      const m = norm(x, layer.preFeedforwardNorm);
      const up = this.times(layer.up, m);
      const active = this.times(layer.gate, m).map((gate, i) => gelu(gate) * (up[i] ?? NaN));
      add(norm(this.times(layer.down, active), layer.postFeedforwardNorm));
    }
    return this.times(model.head, norm(x, model.finalNorm));
  }
}
