/** Which graphs an export has, in the layout that transformers.js knows, and how each is built. */
import type { SessionName } from '../../protocol/manifest.ts';
import { DTYPE_SUFFIX } from '../../protocol/model-listing.ts';
import type { Checkpoint } from './checkpoint.ts';
import { embed } from './embedding.ts';
import { GraphBuilder } from './graph-builder.ts';
import { createContext } from './layers.ts';
import { addTextDecoder } from './text-decoder.ts';
import { addVisionEncoder } from './vision-encoder.ts';
import type { Precision } from './weights.ts';

export interface Session {
  name: SessionName;
  /** `model_q4.onnx`, … */
  file: string;
  graph: GraphBuilder;
  /** Weights that an earlier session has, too, are not written again: the graph refers to that one's data file. */
  shares: boolean;
}

export interface SessionOptions {
  precision: Precision;
  imageAttention: 'bidirectional' | 'causal';
  contextLength: number;
}

/** All graphs of an export, without their weights' bytes. @throws ExportError for a checkpoint that does not fit. */
export function buildSessions(
  checkpoint: Checkpoint,
  { precision, imageAttention, contextLength }: SessionOptions,
): Session[] {
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
    // transformers.js gives each session only its own data files, so a causal export, which it can run, shares nothing.
    session('decoder_model_merged', (graph) => decoder(graph, bidirectional), bidirectional),
  ];
}
