/** The vision encoder's graph as a session. Unlike a decoder's, it is onnxruntime's on every device. */
import { EngineError } from '../../../../protocol/engine.ts';
import type { VisionConfig } from '../../../../protocol/gemma3-config.ts';
import type { EncoderSession } from '../../backend-interface/encoder-session.ts';
import { floatsToHalves, halvesToFloats } from '../../onnx/float16.ts';
import { lazyBlob } from './cpu/lazy-bytes.ts';
import { createCpuSession } from './cpu/session.ts';
import type { Graph } from './graph-io.ts';
import { createSession, type Ort } from './ort.ts';

/** A vision encoder as it is stored. */
export interface EncoderFiles {
  graph: Uint8Array;
  /** Data files by the names the graph calls them. */
  data: ReadonlyMap<string, Blob>;
}

function createGraph(ort: Ort, { graph, data }: EncoderFiles, device: GPUDevice | null): Promise<Graph> {
  if (!device) return createCpuSession(ort, graph, new Map([...data].map(([path, blob]) => [path, lazyBlob(blob)])));
  return createSession(ort, graph, {
    executionProviders: [{ name: 'webgpu', device }],
    externalData: [...data].map(([path, blob]) => ({ path, data: blob })),
    graphOptimizationLevel: 'all',
    // Features are kept in memory.
    preferredOutputLocation: 'cpu',
  });
}

/**
 * A graph of one input, float32 or float16 [1, channels, imageSize, imageSize], whose first output are the features.
 * `run` rejects with EngineError `model-unsupported` where the graph has no input, `internal` where it gives nothing.
 */
export class OrtEncoderSession implements EncoderSession {
  constructor(
    private readonly ort: Ort,
    private readonly graph: Graph,
    private readonly config: VisionConfig,
  ) {}

  async run(pixels: Float32Array): Promise<Float32Array> {
    const { ort, graph, config } = this;
    const input = graph.inputMetadata[0];
    if (!input?.isTensor) throw new EngineError('model-unsupported', 'the vision encoder has no input');
    const dims = [1, config.channels, config.imageSize, config.imageSize];
    const tensor =
      input.type === 'float16'
        ? new ort.Tensor('float16', floatsToHalves(pixels), dims)
        : new ort.Tensor('float32', pixels, dims);
    const outputs = await graph.run({ [input.name]: tensor }, graph.outputNames).finally(() => {
      tensor.dispose();
    });
    const output = outputs[graph.outputNames[0] ?? ''];
    if (!output) throw new EngineError('internal', 'the vision encoder gave nothing');
    const data = (await output.getData(true)) as Float32Array | Uint16Array;
    return output.type === 'float16'
      ? halvesToFloats(new Uint16Array(data.buffer, data.byteOffset, data.length))
      : (data as Float32Array).slice();
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}

/**
 * Creates a session of the vision encoder.
 * @param ort the runtime
 * @param files graph and weights
 * @param config size of the pictures
 * @param device the runtime's device; null for the CPU
 * @returns the session
 * @throws errors of the runtime
 */
export async function createEncoderSession(
  ort: Ort,
  files: EncoderFiles,
  config: VisionConfig,
  device: GPUDevice | null,
): Promise<EncoderSession> {
  return new OrtEncoderSession(ort, await createGraph(ort, files, device), config);
}
