import { describe, expect, it } from 'vitest';
import { ELEMENT, intAttributes, OnnxGraph, type OnnxNode } from './graph.ts';
import { keepLastLogits } from './last-logits.ts';

const node = (opType: string, inputs: string[], output: string): OnnxNode => ({
  ...{ name: output, opType, domain: 'any', inputs, outputs: [output], attributes: intAttributes({ N: 3 }) },
});

function graphOf(...nodes: OnnxNode[]): OnnxGraph {
  const graph = new OnnxGraph(new Uint8Array());
  graph.append(nodes);
  return graph;
}

const int64 = (graph: OnnxGraph, name: string | undefined): bigint | undefined => {
  const { data, dims, dataType } = graph.tensor(name ?? '') ?? {};
  expect([dims, dataType]).toEqual([[1], ELEMENT.int64]);
  return data instanceof Uint8Array ? new BigInt64Array(Uint8Array.from(data).buffer)[0] : undefined;
};

describe('keepLastLogits', () => {
  it.each(['MatMulNBits', 'MatMul'])('gives a %s the last position only', (opType) => {
    const head = node(opType, ['states', 'w', 'scales'], 'logits');
    const graph = graphOf(node('Add', ['a', 'b'], 'states'), head);
    expect(keepLastLogits(graph)).toBe(true);
    const [add, slice, changed] = new OnnxGraph(graph.encode()).nodes;
    expect(add?.outputs).toEqual(['states']);
    expect(slice).toMatchObject({ opType: 'Slice', domain: '', attributes: new Map() });
    const [states, start, end, axis, ...more] = slice?.inputs ?? [];
    expect([states, more]).toEqual(['states', []]);
    // From the last position to the end, on the axis of positions.
    expect([start, end, axis].map((name) => int64(graph, name))).toEqual([-1n, 2n ** 63n - 1n, 1n]);
    expect(changed).toEqual({ ...head, inputs: [slice?.outputs[0], 'w', 'scales'] });
  });

  it('finds the head of logits that are cast', () => {
    const casts = [node('Cast', ['narrow'], 'middle'), node('Cast', ['middle'], 'logits')];
    const graph = graphOf(node('MatMul', ['states', 'w'], 'narrow'), ...casts);
    expect(keepLastLogits(graph)).toBe(true);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Slice', 'MatMul', 'Cast', 'Cast']);
    expect(graph.nodes[1]?.inputs).toEqual([graph.nodes[0]?.outputs[0], 'w']);
    expect(graph.nodes[0]?.inputs[0]).toBe('states');
  });

  it.each([
    ['an unknown head', [node('Gemm', ['states', 'w'], 'logits')]],
    ['logits that are changed', [node('MatMul', ['states', 'w'], 'raw'), node('Tanh', ['raw'], 'logits')]],
    ['no logits', [node('MatMul', ['states', 'w'], 'other')]],
    ['casts of an input', [node('Cast', ['states'], 'logits')]],
  ])('leaves a graph with %s as it is', (_, nodes) => {
    const graph = graphOf(...nodes);
    expect(keepLastLogits(graph)).toBe(false);
    expect(graph.nodes).toEqual(nodes);
    expect(graph.initialisers).toEqual([]);
  });

  it('leaves a graph as it is that can be asked for fewer positions', () => {
    const graph = graphOf(node('MatMul', ['states', 'w'], 'logits'));
    graph.addInput({ name: 'num_logits_to_keep', dataType: ELEMENT.int64, dims: [] });
    expect(keepLastLogits(graph)).toBe(false);
    expect(graph.nodes).toHaveLength(1);
  });
});
