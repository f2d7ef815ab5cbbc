/**
 * A graph of our exporter in the form that onnx-community's Gemma 3 exports have, as far as their sizes and operators tell:
 * 4-bit matrices with zeros of their own, the table held twice, sums normalised in one node, logits of every position.
 */
import { seededRandom } from '../../sampling/random.ts';
import {
  ELEMENT,
  intAttribute,
  intAttributes,
  type ExternalData,
  type OnnxGraph,
  type OnnxNode,
  type StoredTensor,
} from '../graph.ts';

const NORM = 'SimplifiedLayerNormalization';
const MICROSOFT = 'com.microsoft';

const by = (graph: OnnxGraph, opType: string): OnnxNode[] => graph.nodes.filter((node) => node.opType === opType);
const maker = (graph: OnnxGraph, value: string | undefined): OnnxNode | undefined =>
  graph.nodes.find(({ outputs }) => outputs[0] === value);

/** uint8 [rows, ceil(blocks / 2)], around the middle. */
function zeros(name: string, rows: number, columns: number, random: () => number): StoredTensor {
  const width = Math.ceil(columns / 64);
  const four = () => 6 + Math.floor(random() * 5);
  const data = Uint8Array.from({ length: rows * width }, () => four() | (four() << 4));
  return { name, dims: [rows, width], dataType: ELEMENT.uint8, data };
}

/** @param data the graph's weights file */
export function asPublicExport(graph: OnnxGraph, data: Uint8Array): void {
  const random = seededRandom(5);
  for (const node of by(graph, 'MatMulNBits')) {
    const [x = '', values = '', scales = ''] = node.inputs;
    const tensor = zeros(`${values}.zeros`, intAttribute(node, 'N') ?? 0, intAttribute(node, 'K') ?? 0, random);
    graph.addTensor(tensor);
    graph.rewire(node, [x, values, scales, tensor.name]);
  }

  // The table of embeddings by itself, with the head's zeros.
  const head = maker(graph, 'logits');
  const [gather] = by(graph, 'GatherBlockQuantized');
  if (!head || !gather) throw new Error('another graph');
  const [values = '', ids = '', scales = ''] = gather.inputs;
  const packed = graph.tensor(values) as StoredTensor;
  const { offset, length = 0 } = packed.data as ExternalData;
  const rows = packed.dims[0] ?? 0;
  graph.addTensor({
    ...packed,
    name: 'embedding.values',
    dims: [rows, length / rows],
    data: data.slice(offset, offset + length),
  });
  const headZeros = graph.tensor(head.inputs[3] ?? '') as StoredTensor;
  const scalesOfTable = graph.tensor(scales) as StoredTensor;
  graph.addTensor({ ...scalesOfTable, name: 'embedding.scales', dims: scalesOfTable.dims.slice(0, 2) });
  const inputs = ['embedding.values', ids, 'embedding.scales', headZeros.name];
  const attributes = new Map([...gather.attributes, ...intAttributes({ quantize_axis: 1 })]);
  graph.replace(gather, [{ ...gather, inputs, attributes }]);

  // Logits of every position.
  const final = by(graph, NORM).find(({ inputs: [states] }) => maker(graph, states)?.opType === 'Slice');
  const slice = maker(graph, final?.inputs[0]);
  if (!final || !slice) throw new Error('another graph');
  graph.rewire(final, [slice.inputs[0] ?? '', final.inputs[1] ?? '']);
  graph.replace(slice, []);
  const start = maker(graph, slice.inputs[1]);
  if (start) graph.replace(start, []);
  graph.dropInput('num_logits_to_keep');

  for (const norm of by(graph, NORM)) {
    const sum = maker(graph, norm.inputs[0]);
    if (sum?.opType !== 'Add') continue;
    const outputs = [norm.outputs[0] ?? '', '', '', sum.outputs[0] ?? ''];
    const both = { opType: `Skip${NORM}`, domain: MICROSOFT, inputs: [...sum.inputs, norm.inputs[1] ?? ''], outputs };
    graph.replace(norm, []);
    const attributes = new Map([...norm.attributes].filter(([name]) => name === 'epsilon'));
    graph.replace(sum, [{ ...norm, ...both, attributes }]);
  }
  for (const gelu of by(graph, 'Gelu'))
    graph.replace(gelu, [{ ...gelu, opType: 'FastGelu', domain: MICROSOFT, attributes: new Map() }]);
}
