/**
 * The attributes with which an operator computes what our kernels compute. Names and defaults are those of onnxruntime's
 * docs/ContribOperators.md (com.microsoft, and SimplifiedLayerNormalization) and of ONNX's Operators.md. An attribute that
 * is not listed here may change what the operator computes, so a node that has one does not match.
 */
import type { LayerType, TextConfig } from '../../../protocol/gemma3-config.ts';
import type { OnnxAttribute, OnnxNode } from './graph.ts';

interface AttributeRule {
  type: OnnxAttribute['type'];
  /** The operator's default, for nodes without the attribute; undefined where the attribute is required. */
  fallback: number | string | undefined;
  allows(value: number | string): boolean;
}

/** One operator with the settings that match. */
export interface OperatorRule {
  opType: string;
  /** '' is ONNX's own domain, whose other name is ai.onnx. */
  domain: '' | 'com.microsoft';
  attributes: Readonly<Record<string, AttributeRule>>;
}

/** Relative difference of floats that are the same but for their rounding to float32. */
const ROUNDING = 2 ** -20;
/** Columns of a quantisation block. */
export const BLOCK = 32;
const BITS = 4;

const int = (expected: number, fallback?: number): AttributeRule => ({
  ...{ type: 'int', fallback },
  allows: (value) => value === expected,
});
const anyInt = (fallback: number): AttributeRule => ({ type: 'int', fallback, allows: () => true });
const float = (expected: number, fallback: number): AttributeRule => ({
  ...{ type: 'float', fallback },
  allows: (value) => Math.abs(Number(value) - expected) <= ROUNDING * Math.abs(expected),
});
const string = (expected: string, fallback: string): AttributeRule => ({
  ...{ type: 'string', fallback },
  allows: (value) => value === expected,
});

/**
 * The rule of causal attention over the cache, which also rotates queries and keys.
 * @param text the model's configuration
 * @param layerType whether the layer slides
 * @returns the rule
 */
export const attentionRule = (text: TextConfig, layerType: LayerType): OperatorRule => ({
  opType: 'GroupQueryAttention',
  domain: 'com.microsoft',
  attributes: {
    num_heads: int(text.heads),
    kv_num_heads: int(text.kvHeads),
    // The operator takes 0 for its default, 1 / √headDim.
    scale: {
      ...{ type: 'float', fallback: 0 },
      allows: (value) => {
        const scale = value === 0 ? text.headDim ** -0.5 : value;
        return float(text.queryPreAttnScalar ** -0.5, 0).allows(scale);
      },
    },
    softcap: float(0, 0),
    do_rotary: int(1, 0),
    rotary_interleaved: int(0, 0),
    local_window_size: int(layerType === 'sliding_attention' ? text.slidingWindow : -1, -1),
    // The operator adds to the denominator only where it is 1; its default is −1.
    smooth_softmax: { type: 'int', fallback: -1, allows: (value) => Number(value) <= 0 },
    qk_output: int(0, 0),
    k_quant_type: string('NONE', 'NONE'),
    v_quant_type: string('NONE', 'NONE'),
    // The width means nothing for a cache that is not quantised.
    kv_cache_bit_width: anyInt(0),
  },
});

/**
 * The rule of RMSNorm over the last axis, in float32.
 * @param text the model's configuration
 * @returns the rule
 */
export const normRule = ({ rmsNormEps }: TextConfig): OperatorRule => ({
  opType: 'SimplifiedLayerNormalization',
  domain: '',
  attributes: { axis: int(-1, -1), epsilon: float(rmsNormEps, 1e-5), stash_type: int(1, 1) },
});

/**
 * The rule of a sum of two values and its RMSNorm over the last axis.
 * @param text the model's configuration
 * @returns the rule
 */
export const skipNormRule = ({ rmsNormEps }: TextConfig): OperatorRule => ({
  opType: 'SkipSimplifiedLayerNormalization',
  domain: 'com.microsoft',
  attributes: { epsilon: float(rmsNormEps, 1e-12) },
});

/**
 * The rule of a product with a 4-bit matrix.
 * @param rows rows of the matrix
 * @param columns columns of the matrix
 * @returns the rule
 */
export const matMulRule = (rows: number, columns: number): OperatorRule => ({
  opType: 'MatMulNBits',
  domain: 'com.microsoft',
  attributes: {
    N: int(rows),
    K: int(columns),
    bits: int(BITS, 4),
    block_size: int(BLOCK),
    // The least precision that the runtime may compute in (4 is int8). Our kernels compute in float32, which all allow.
    accuracy_level: anyInt(0),
  },
});

/**
 * The rule of gathering rows of a 4-bit table.
 * @param rank number of dimensions of the table's tensor, of which the last is in blocks
 * @returns the rule
 */
export const gatherRule = (rank: number): OperatorRule => ({
  opType: 'GatherBlockQuantized',
  domain: 'com.microsoft',
  attributes: {
    bits: int(BITS, 4),
    block_size: int(BLOCK, 128),
    gather_axis: int(0, 0),
    quantize_axis: { type: 'int', fallback: 1, allows: (value) => value === rank - 1 || value === -1 },
  },
});

/** The tanh approximation of GELU; com.microsoft's Gelu, and ONNX's by default, are the exact form with erf. */
export const GELU_RULES: readonly OperatorRule[] = [
  { opType: 'Gelu', domain: '', attributes: { approximate: string('tanh', 'none') } },
  { opType: 'FastGelu', domain: 'com.microsoft', attributes: {} },
];

/**
 * The rule of an operator of ONNX that has no attributes.
 * @param opType name of the operator
 * @returns the rule
 */
export const plainRule = (opType: string): OperatorRule => ({ opType, domain: '', attributes: {} });

/**
 * Compares a node with a rule.
 * @param node the node
 * @param rule the rule
 * @returns why the node does not match; null where it does
 */
export function mismatch(node: OnnxNode, { opType, domain, attributes: rules }: OperatorRule): string | null {
  const { name, attributes } = node;
  if (node.opType !== opType || node.domain.replace(/^ai\.onnx$/, '') !== domain)
    return `${name} is ${node.domain}:${node.opType}, not ${domain}:${opType}`;
  const unknown = [...attributes.keys()].find((key) => !(key in rules));
  if (unknown !== undefined) return `${name} has an attribute ${unknown}`;
  for (const [key, { type, fallback, allows }] of Object.entries(rules)) {
    const attribute = attributes.get(key);
    if (attribute && (attribute.type !== type || attribute.type === 'other'))
      return `${name}: ${key} is of type ${attribute.type}, not ${type}`;
    const value = attribute ? attribute.value : fallback;
    if (value === undefined || !allows(value)) return `${name}: ${key} is ${value}`;
  }
  return null;
}
