/** @file Names and shapes of all weights of a Gemma 3, as the hub's checkpoints spell them. */
import type { Gemma3Config } from '../../protocol/gemma3-config.ts';

export interface WeightSpec {
  name: string;
  shape: number[];
}

function textWeights({ text }: Gemma3Config, prefix: string): WeightSpec[] {
  const { hiddenSize: hidden, intermediateSize: wide, headDim } = text;
  const specs: WeightSpec[] = [{ name: `${prefix}embed_tokens.weight`, shape: [text.vocabSize, hidden] }];
  for (let i = 0; i < text.layers; i++) {
    const add = (name: string, ...shape: number[]) =>
      specs.push({ name: `${prefix}layers.${i}.${name}.weight`, shape });
    add('input_layernorm', hidden);
    add('self_attn.q_proj', text.heads * headDim, hidden);
    add('self_attn.k_proj', text.kvHeads * headDim, hidden);
    add('self_attn.v_proj', text.kvHeads * headDim, hidden);
    add('self_attn.q_norm', headDim);
    add('self_attn.k_norm', headDim);
    add('self_attn.o_proj', hidden, text.heads * headDim);
    add('post_attention_layernorm', hidden);
    add('pre_feedforward_layernorm', hidden);
    add('mlp.gate_proj', wide, hidden);
    add('mlp.up_proj', wide, hidden);
    add('mlp.down_proj', hidden, wide);
    add('post_feedforward_layernorm', hidden);
  }
  specs.push({ name: `${prefix}norm.weight`, shape: [hidden] });
  if (!text.tieWordEmbeddings) specs.push({ name: 'lm_head.weight', shape: [text.vocabSize, hidden] });
  return specs;
}

function visionWeights({ text, vision }: Gemma3Config): WeightSpec[] {
  if (!vision) return [];
  const { hiddenSize: hidden, intermediateSize: wide, patchSize, channels } = vision;
  const prefix = 'vision_tower.vision_model.';
  const specs: WeightSpec[] = [];
  const add = (name: string, ...shape: number[]) => specs.push({ name: prefix + name, shape });
  const both = (name: string, outputs: number, ...inputs: number[]) => {
    add(`${name}.weight`, outputs, ...inputs);
    add(`${name}.bias`, outputs);
  };
  both('embeddings.patch_embedding', hidden, channels, patchSize, patchSize);
  add('embeddings.position_embedding.weight', (vision.imageSize / patchSize) ** 2, hidden);
  for (let i = 0; i < vision.layers; i++) {
    const layer = `encoder.layers.${i}`;
    for (const norm of ['layer_norm1', 'layer_norm2']) both(`${layer}.${norm}`, hidden);
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) both(`${layer}.self_attn.${part}`, hidden, hidden);
    both(`${layer}.mlp.fc1`, wide, hidden);
    both(`${layer}.mlp.fc2`, hidden, wide);
  }
  both('post_layernorm', hidden);
  specs.push(
    { name: 'multi_modal_projector.mm_soft_emb_norm.weight', shape: [hidden] },
    { name: 'multi_modal_projector.mm_input_projection_weight', shape: [hidden, text.hiddenSize] },
  );
  return specs;
}

export function weightList(config: Gemma3Config): WeightSpec[] {
  return [...visionWeights(config), ...textWeights(config, config.vision ? 'language_model.model.' : 'model.')];
}
