import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type Gemma3Config, parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { OnnxGraph } from './graph.ts';
import known from '../model/self-test/decoder/known-answer.json';
import { matchDecoder } from './match-decoder.ts';

const graphAt = async (path: string) => new OnnxGraph(new Uint8Array(await readFile(new URL(path, import.meta.url))));
const proof = () => graphAt('../model/self-test/decoder/model_q4.onnx');
const proofConfig = parseGemma3Config(known.config);
const text = (change: Partial<Gemma3Config['text']>): Gemma3Config => ({
  ...proofConfig,
  text: { ...proofConfig.text, ...change },
});

describe('readStoredDecoder', () => {
  it('finds each layer’s weights and windows in a graph of its own', async () => {
    const model = matchDecoder(await proof(), [], proofConfig);
    expect(model?.layers.map(({ window }) => window)).toEqual(
      proofConfig.text.layerTypes.map((type) => (type === 'sliding_attention' ? proofConfig.text.slidingWindow : null)),
    );
    for (const [i, layer] of (model?.layers ?? []).entries()) {
      expect([layer.key, layer.value]).toEqual([`past_key_values.${i}.key`, `past_key_values.${i}.value`]);
      const named = (tensor: { name: string }, part: string) =>
        expect(tensor.name).toMatch(new RegExp(`layers[._]${i}[._].*${part}`));
      named(layer.q.values, 'q_proj');
      named(layer.k.values, 'k_proj');
      named(layer.v.values, 'v_proj');
      named(layer.out.values, 'o_proj');
      named(layer.gate.values, 'gate_proj');
      named(layer.up.values, 'up_proj');
      named(layer.down.values, 'down_proj');
      named(layer.inputNorm, 'input_layernorm');
      named(layer.qNorm, 'q_norm');
      named(layer.kNorm, 'k_norm');
      named(layer.postAttentionNorm, 'post_attention_layernorm');
      named(layer.preFeedforwardNorm, 'pre_feedforward_layernorm');
      named(layer.postFeedforwardNorm, 'post_feedforward_layernorm');
    }
  });

  it('finds the built-in model’s, whose tokens are embedded by a graph beside', async () => {
    const folder = '../../../public/models/built-in';
    const config = parseGemma3Config(
      JSON.parse(await readFile(new URL(`${folder}/config.json`, import.meta.url), 'utf8')),
    );
    const decoder = await graphAt(`${folder}/onnx/decoder_model_merged_q4.onnx`);
    const embedding = await graphAt(`${folder}/onnx/embed_tokens_q4.onnx`);
    expect(matchDecoder(decoder, [decoder, embedding], config)?.layers).toHaveLength(config.text.layers);
    // Without it nobody knows how tokens become vectors.
    expect(matchDecoder(decoder, [], config)).toBeNull();
  });

  it.each([
    ['more layers', { layers: proofConfig.text.layers + 1 }],
    ['another window', { slidingWindow: proofConfig.text.slidingWindow + 1 }],
    ['other heads', { heads: proofConfig.text.heads * 2 }],
    ['another width', { hiddenSize: proofConfig.text.hiddenSize * 2 }],
    ['another vocabulary', { vocabSize: proofConfig.text.vocabSize + 1 }],
  ])('leaves a graph to onnxruntime whose configuration says %s', async (_, change) => {
    expect(matchDecoder(await proof(), [], text(change))).toBeNull();
  });

  it('leaves a graph to onnxruntime that computes one thing more', async () => {
    const capped = await proof();
    const head = capped.nodes.find(({ outputs }) => outputs.includes('logits'));
    if (!head) throw new Error('no head');
    capped.replace(head, [
      { ...head, outputs: ['uncapped'] },
      { name: 'cap', opType: 'Tanh', domain: '', inputs: ['uncapped'], outputs: ['logits'], integers: new Map() },
    ]);
    expect(matchDecoder(capped, [], proofConfig)).toBeNull();

    const biased = await proof();
    const product = biased.nodes.find(({ opType }) => opType === 'MatMulNBits');
    if (!product) throw new Error('no projection');
    biased.rewire(product, [...product.inputs, '', '', 'bias']);
    expect(matchDecoder(biased, [], proofConfig)).toBeNull();
  });
});
