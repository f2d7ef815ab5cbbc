/**
 * GroupQueryAttention without its tiled ("flash") form, whose tiles are cut to the size of a cache that WebAssembly does
 * not know: reading a prompt of 2,048 tokens of 270M's shape took 4 times as long with it. It is not used where heads have
 * an attention sink; a sink whose weight is e^−1e30, 0, changes no sum.
 */
import { ELEMENT, intAttribute, type OnnxGraph } from '../../../onnx/graph.ts';

const IN = { pastKey: 3, sink: 11 } as const;
const NO_WEIGHT = -1e30;

export function avoidTiles(graph: OnnxGraph): void {
  for (const node of graph.nodes) {
    if (node.opType !== 'GroupQueryAttention' || node.inputs[IN.sink]) continue;
    const heads = intAttribute(node, 'num_heads') ?? 0;
    // The sink has the type of keys; others than fp32 are nowhere fast here.
    if (heads < 1 || graph.input(node.inputs[IN.pastKey] ?? '')?.dataType !== ELEMENT.float32) continue;
    const sink = `sink.${heads}`;
    const weights = new Uint8Array(new Float32Array(heads).fill(NO_WEIGHT).buffer);
    graph.addTensor({ name: sink, dims: [heads], dataType: ELEMENT.float32, data: weights });
    const inputs = [...node.inputs];
    while (inputs.length < IN.sink) inputs.push('');
    graph.rewire(node, [...inputs, sink]);
  }
}
