/**
 * @file Writes a Gemma 3 text checkpoint as llama.cpp reads it (gguf-py's tensor names for `gemma3`), with every matrix
 * in Q4_0: the 4-bit weights of our q4 export, except that scales are float16. It serves to measure llama.cpp beside
 * our engine. The tokenizer's scores are only its order, so text is divided into other tokens than with the real file.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Checkpoint } from '../export/checkpoint.ts';
import { type GgufTensor, type MetadataValue, writeGguf } from './gguf.ts';

const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

async function tokenizerOf(folder: string, vocabSize: number): Promise<Record<string, MetadataValue>> {
  const { model } = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  const tokens = Array.from({ length: vocabSize }, (_, id) => `<unused ${id}>`);
  const types = new Array<number>(vocabSize).fill(TOKEN_TYPE.control);
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token;
    types[id] = /^<0x[0-9A-F]{2}>$/.test(token)
      ? TOKEN_TYPE.byte
      : token === '<unk>'
        ? TOKEN_TYPE.unknown
        : /^<.+>$/.test(token)
          ? TOKEN_TYPE.control
          : TOKEN_TYPE.normal;
  }
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.pre': { type: 'string', value: 'default' },
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.scores': { type: 'float32s', value: tokens.map((_, id) => -id) },
    'tokenizer.ggml.token_type': { type: 'int32s', value: types },
    'tokenizer.ggml.bos_token_id': { type: 'uint32', value: 2 },
    'tokenizer.ggml.eos_token_id': { type: 'uint32', value: 1 },
    'tokenizer.ggml.unknown_token_id': { type: 'uint32', value: 3 },
    'tokenizer.ggml.padding_token_id': { type: 'uint32', value: 0 },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: false },
  };
}

/** Writes `out`. @throws ExportError when `folder` is not a Gemma 3 checkpoint that can be read. */
export async function makeGguf(folder: string, out: string): Promise<void> {
  const checkpoint = await Checkpoint.open(folder);
  try {
    const { text } = checkpoint.config;
    const { hiddenSize: hidden, intermediateSize: wide, headDim, heads, kvHeads } = text;
    const number = (value: number): MetadataValue => ({ type: 'uint32', value });
    const tensors: GgufTensor[] = [];
    const matrix = (name: string, from: string, rows: number, columns: number) => {
      const weight = checkpoint.weight(from, [rows, columns]);
      tensors.push({ name, type: 'q4_0', shape: [rows, columns], rows: () => weight.rows() });
    };
    /** Checkpoints store norm weights as w and use 1 + w; llama.cpp expects 1 + w. */
    const norm = (name: string, from: string, size: number) => {
      const weight = checkpoint.weight(from, [size]);
      const rows = async function* () {
        for await (const piece of weight.rows()) yield piece.map((w) => 1 + w);
      };
      tensors.push({ name, type: 'f32', shape: [size], rows });
    };
    matrix('token_embd.weight', 'text.embed_tokens.weight', text.vocabSize, hidden);
    norm('output_norm.weight', 'text.norm.weight', hidden);
    for (let i = 0; i < text.layers; i++) {
      const to = (name: string) => `blk.${i}.${name}.weight`;
      const from = (name: string) => `text.layers.${i}.${name}.weight`;
      norm(to('attn_norm'), from('input_layernorm'), hidden);
      matrix(to('attn_q'), from('self_attn.q_proj'), heads * headDim, hidden);
      matrix(to('attn_k'), from('self_attn.k_proj'), kvHeads * headDim, hidden);
      matrix(to('attn_v'), from('self_attn.v_proj'), kvHeads * headDim, hidden);
      matrix(to('attn_output'), from('self_attn.o_proj'), hidden, heads * headDim);
      norm(to('attn_q_norm'), from('self_attn.q_norm'), headDim);
      norm(to('attn_k_norm'), from('self_attn.k_norm'), headDim);
      norm(to('post_attention_norm'), from('post_attention_layernorm'), hidden);
      norm(to('ffn_norm'), from('pre_feedforward_layernorm'), hidden);
      matrix(to('ffn_gate'), from('mlp.gate_proj'), wide, hidden);
      matrix(to('ffn_up'), from('mlp.up_proj'), wide, hidden);
      matrix(to('ffn_down'), from('mlp.down_proj'), hidden, wide);
      norm(to('post_ffw_norm'), from('post_feedforward_layernorm'), hidden);
    }
    const metadata: Record<string, MetadataValue> = {
      'general.architecture': { type: 'string', value: 'gemma3' },
      'general.file_type': number(2),
      'gemma3.context_length': number(text.maxPositionEmbeddings),
      'gemma3.embedding_length': number(hidden),
      'gemma3.block_count': number(text.layers),
      'gemma3.feed_forward_length': number(wide),
      'gemma3.attention.head_count': number(heads),
      'gemma3.attention.head_count_kv': number(kvHeads),
      'gemma3.attention.key_length': number(headDim),
      'gemma3.attention.value_length': number(headDim),
      'gemma3.attention.layer_norm_rms_epsilon': { type: 'float32', value: text.rmsNormEps },
      'gemma3.attention.sliding_window': number(text.slidingWindow),
      'gemma3.rope.freq_base': { type: 'float32', value: 1_000_000 },
      ...(await tokenizerOf(folder, text.vocabSize)),
    };
    await writeGguf(out, metadata, tensors);
  } finally {
    await checkpoint.close();
  }
}
