/**
 * Some exports give logits of every position of a prompt: a megabyte for each with Gemma's vocabulary, and most of a small
 * model's work. Only those of the last position are needed, so the graph is changed to compute no others.
 */
import { ELEMENT, type OnnxGraph, type OnnxNode } from './graph.ts';

const HEADS: readonly string[] = ['MatMulNBits', 'MatMul'];
const LAST = 'last_position';

/**
 * Puts a Slice of the last position before a graph's head.
 * @param graph a decoder
 * @returns whether the graph was changed; it stays as it is if it has an input `num_logits_to_keep` or an unknown head.
 */
export function keepLastLogits(graph: OnnxGraph): boolean {
  if (graph.input('num_logits_to_keep')) return false;
  const maker = (value: string | undefined) => graph.nodes.find(({ outputs }) => outputs[0] === value);
  let head: OnnxNode | undefined = maker('logits');
  while (head?.opType === 'Cast') head = maker(head.inputs[0]);
  if (!head || !HEADS.includes(head.opType)) return false;
  const [states = '', ...weights] = head.inputs;
  const number = (name: string, value: bigint) => {
    const data = new Uint8Array(BigInt64Array.of(value).buffer);
    graph.addTensor({ name, dims: [1], dataType: ELEMENT.int64, data });
    return name;
  };
  const inputs = [
    states,
    number(`${LAST}.start`, -1n),
    number(`${LAST}.end`, 2n ** 63n - 1n),
    number(`${LAST}.axis`, 1n),
  ];
  const slice = {
    name: LAST,
    opType: 'Slice',
    domain: '',
    inputs,
    outputs: [LAST],
    attributes: new Map(),
  };
  graph.replace(head, [slice, { ...head, inputs: [LAST, ...weights] }]);
  return true;
}
