/** @file The graphs of an export, in the layout that transformers.js knows, and how each is built. */
import type { SessionName } from '../../protocol/manifest.ts';
import { DTYPE_SUFFIX } from '../../protocol/model-listing.ts';
import type { Checkpoint } from './checkpoint.ts';
import { embed } from './embedding.ts';
import { GraphBuilder } from './graph-builder.ts';
import { createContext } from './layers.ts';
import { addTextDecoder } from './text-decoder.ts';
import { addVisionEncoder } from './vision-encoder.ts';
import type { Precision } from './weights.ts';

/** A graph of the export. */
export interface Session {
  name: SessionName;
  /** File name, such as `model_q4.onnx`. */
  file: string;
  graph: GraphBuilder;
  /** Whether weights that an earlier session has, too, are read from that session's data files. */
  shares: boolean;
}

/** How the graphs are built. */
export interface SessionOptions {
  precision: Precision;
  imageAttention: 'bidirectional' | 'causal';
  contextLength: number;
}

/**
 * Builds all graphs of an export. Weights are not read yet.
 * @param checkpoint the checkpoint.
 * @param options how to build.
 * @returns `model` alone, or the three graphs of a model that sees pictures.
 * @throws ExportError where a weight is missing or has another shape than the configuration asks for.
 */
export function buildSessions(checkpoint: Checkpoint, options: SessionOptions): Session[] {
  const { precision, imageAttention, contextLength } = options;
  const { config } = checkpoint;
  const { text } = config;
  const session = (name: SessionName, build: (graph: GraphBuilder) => void, shares = false): Session => {
    const graph = new GraphBuilder(name);
    build(graph);
    return { name, file: `${name}${DTYPE_SUFFIX[precision.dtype]}.onnx`, graph, shares };
  };
  const decoder = (graph: GraphBuilder, pictures: boolean) => {
    addTextDecoder(createContext(graph, checkpoint, precision), {
      config,
      input: config.vision ? 'inputs_embeds' : 'input_ids',
      pictures,
      contextLength,
    });
  };
  const { vision } = config;
  if (!vision) return [session('model', (graph) => decoder(graph, false))];
  const bidirectional = imageAttention === 'bidirectional';
  return [
    session('embed_tokens', (graph) => {
      graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
      graph.output('inputs_embeds', 'float32', ['batch_size', 'sequence_length', text.hiddenSize]);
      embed(createContext(graph, checkpoint, precision), 'input_ids', 'inputs_embeds', {
        weight: 'text.embed_tokens.weight',
        vocabSize: text.vocabSize,
        hiddenSize: text.hiddenSize,
      });
    }),
    session('vision_encoder', (graph) =>
      addVisionEncoder(createContext(graph, checkpoint, precision), vision, text.hiddenSize),
    ),
    // transformers.js gives each session only its own data files. A causal export, which it can run, shares none.
    session('decoder_model_merged', (graph) => decoder(graph, bidirectional), bidirectional),
  ];
}
