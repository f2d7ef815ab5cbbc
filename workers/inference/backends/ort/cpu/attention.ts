/**
 * Makes GroupQueryAttention avoid its tiled ("flash") kernel. Its tiles depend on the size of the CPU's cache, which
 * WebAssembly does not know: a prompt of 2,048 tokens of 270M's shape took 4 times as long with it. The kernel is not used if
 * heads have an attention sink, and a sink of weight e^−1e30 = 0 changes no sum.
 */
import { ELEMENT, intAttribute, type OnnxGraph } from '../../../onnx/graph.ts';

const IN = { pastKey: 3, sink: 11 } as const;
const SINK_SCORE = -1e30;

/**
 * Adds a sink without weight to every attention.
 * @param graph a decoder
 */
export function avoidTiles(graph: OnnxGraph): void {
  for (const node of graph.nodes) {
    if (node.opType !== 'GroupQueryAttention' || node.inputs[IN.sink]) continue;
    const heads = intAttribute(node, 'num_heads') ?? 0;
    // The sink has the type of the keys. Only float32 is supported: other types are slow on the CPU anyway.
    if (heads < 1 || graph.input(node.inputs[IN.pastKey] ?? '')?.dataType !== ELEMENT.float32) continue;
    const sink = `sink.${heads}`;
    const weights = new Uint8Array(new Float32Array(heads).fill(SINK_SCORE).buffer);
    graph.addTensor({ name: sink, dims: [heads], dataType: ELEMENT.float32, data: weights });
    const inputs = [...node.inputs];
    while (inputs.length < IN.sink) inputs.push('');
    graph.rewire(node, [...inputs, sink]);
  }
}
