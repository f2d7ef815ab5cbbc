/**
 * Changes a decoder graph so that it returns only the new tokens' rows of the KV cache (`present.N.key.appended`), and so that
 * its sliding-window layers are fed no more of the past than they see (`present.N.key.appended.WINDOW` says so).
 * onnxruntime-web copies every input into WebAssembly's memory and every output out of it, so a graph that returns the whole
 * cache moves all of it twice for each token. ../append-cache.ts feeds the changed graph.
 */
import { APPENDED, appendedName } from '../graph-io.ts';
import { ELEMENT, intAttribute, type OnnxGraph, type OnnxNode } from '../../../onnx/graph.ts';

/** Indices of GroupQueryAttention's inputs and outputs. */
const IN = { pastKey: 3, pastValue: 4, lengths: 5, total: 6, cos: 7, positions: 9, bias: 10 } as const;
const OUT = { presentKey: 1, presentValue: 2 } as const;

interface Attention {
  node: OnnxNode;
  past: [key: string, value: string];
  present: [key: string, value: string];
  /** Tokens that a query sees, itself included; null for full attention. */
  window: number | null;
}

/** Returns null if the node is not an attention whose cache is among the graph's inputs and outputs. */
function readAttention(graph: OnnxGraph, node: OnnxNode): Attention | null {
  if (node.opType !== 'GroupQueryAttention') return null;
  const { inputs, outputs } = node;
  const past: [string, string] = [inputs[IN.pastKey] ?? '', inputs[IN.pastValue] ?? ''];
  const present: [string, string] = [outputs[OUT.presentKey] ?? '', outputs[OUT.presentValue] ?? ''];
  const whole = past.every((name) => graph.input(name)) && present.every((name) => graph.output(name));
  if (!whole) return null;
  const local = intAttribute(node, 'local_window_size') ?? -1;
  // With these inputs the operator relies on the whole cache.
  const alone =
    !inputs[IN.positions] && !inputs[IN.bias] && present.every((name) => graph.readInside(name).length === 0);
  return { node, past, present, window: local > 0 && alone ? local : null };
}

const int64 = (value: bigint): Uint8Array => new Uint8Array(BigInt64Array.of(value).buffer);

/**
 * Makes a graph return its cache's new rows only, if it can be changed so for every layer; otherwise leaves it unchanged.
 * @param graph a decoder
 */
export function appendToCache(graph: OnnxGraph): void {
  const attentions: Attention[] = [];
  for (const node of graph.nodes) {
    const attention = readAttention(graph, node);
    if (attention) attentions.push(attention);
    else if (node.outputs.some((name) => name.startsWith('present.') && graph.output(name))) return;
  }
  if (attentions.length === 0) return;
  // All sliding-window layers share one set of inputs, so they need the same window.
  const common = attentions.find(({ window }) => window !== null)?.window ?? null;

  graph.addInput({ name: APPENDED.rows, dataType: ELEMENT.int64, dims: [1] });
  graph.addTensor({ name: 'appended.end', dims: [1], dataType: ELEMENT.int64, data: int64(2n ** 62n) });
  graph.addTensor({ name: 'appended.axis', dims: [1], dataType: ELEMENT.int64, data: int64(2n) });
  if (common !== null) {
    graph.addInput({ name: APPENDED.windowLast, dataType: ELEMENT.int32, dims: [1] });
    graph.addInput({ name: APPENDED.windowTotal, dataType: ELEMENT.int32, dims: [] });
    graph.addInput({ name: APPENDED.positions, dataType: ELEMENT.int64, dims: [1, 'appended_tokens'] });
  }
  for (const { node, present, window: own } of attentions) {
    const window = own === common ? own : null;
    if (window !== null) {
      const inputs = [...node.inputs];
      while (inputs.length <= IN.positions) inputs.push('');
      inputs[IN.lengths] = APPENDED.windowLast;
      inputs[IN.total] = APPENDED.windowTotal;
      if (inputs[IN.cos]) inputs[IN.positions] = APPENDED.positions;
      graph.rewire(node, inputs);
    }
    for (const name of present) {
      const value = graph.output(name);
      if (!value) continue;
      const rows = appendedName(name, window);
      const slice = { name: rows, opType: 'Slice', domain: '', outputs: [rows], attributes: new Map() };
      graph.append([{ ...slice, inputs: [name, APPENDED.rows, 'appended.end', 'appended.axis'] }]);
      graph.dropOutput(name);
      const [batch = 1, heads = 1, , size = 1] = value.dims;
      graph.addOutput({ ...value, name: rows, dims: [batch, heads, 'appended_tokens', size] });
    }
  }
}
