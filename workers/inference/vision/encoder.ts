/**
 * Pictures to soft tokens: the vision encoder's session, and a memory of what it has already encoded, so that a
 * picture is encoded once however many turns talk about it.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { VisionConfig } from '../../../protocol/gemma3-config.ts';
import { floatsToHalves, halvesToFloats } from '../onnx/float16.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import type { Ort } from '../backends/ort/ort.ts';

/** Pictures whose features are remembered; one of Gemma 3 4B's is 2.6 MB. */
const REMEMBERED = 32;

export class VisionEncoder {
  private readonly memory = new Map<string, Float32Array>();
  private session: Promise<Graph> | null = null;

  /**
   * @param create makes the session
   * @param selfTest is waited for before each picture
   */
  constructor(
    private readonly ort: Ort,
    private readonly create: () => Promise<Graph>,
    private readonly config: VisionConfig,
    private readonly selfTest: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Makes the session, unless that has begun; after a failure, anew. */
  open(): Promise<Graph> {
    this.session ??= this.create().catch((cause: unknown) => {
      this.session = null;
      throw cause;
    });
    return this.session;
  }

  /** A picture's features, if it was encoded before. */
  recall(key: string): Float32Array | undefined {
    const known = this.memory.get(key);
    if (!known) return undefined;
    // Most recently used last: the first is the one to drop.
    this.memory.delete(key);
    this.memory.set(key, known);
    return known;
  }

  /**
   * @param key names the picture's content, e.g. its hash.
   * @param pixels [3, imageSize, imageSize], normalised.
   * @returns [tokensPerImage, hidden size of the text model]
   * @throws EngineError `adapter-wrong` where the GPU was found to be wrong at it; what opening it throws
   */
  async encode(key: string, pixels: Float32Array): Promise<Float32Array> {
    const session = await this.open();
    await this.selfTest();
    const { imageSize, channels } = this.config;
    const metadata = session.inputMetadata[0];
    if (!metadata?.isTensor) throw new EngineError('model-unsupported', 'the vision encoder has no input');
    const dims = [1, channels, imageSize, imageSize];
    const input =
      metadata.type === 'float16'
        ? new this.ort.Tensor('float16', floatsToHalves(pixels), dims)
        : new this.ort.Tensor('float32', pixels, dims);
    const outputs = await session.run({ [metadata.name]: input }, session.outputNames);
    input.dispose();
    const output = outputs[session.outputNames[0] ?? ''];
    if (!output) throw new EngineError('internal', 'the vision encoder gave nothing');
    const data = (await output.getData(true)) as Float32Array | Uint16Array;
    const features =
      output.type === 'float16'
        ? halvesToFloats(new Uint16Array(data.buffer, data.byteOffset, data.length))
        : (data as Float32Array).slice();
    this.memory.set(key, features);
    if (this.memory.size > REMEMBERED) {
      const oldest = this.memory.keys().next();
      if (!oldest.done) this.memory.delete(oldest.value);
    }
    return features;
  }
  /** Resolves when a session that was being made is let go of, too. */
  async dispose(): Promise<void> {
    await this.session?.then(
      (session) => session.release(),
      () => undefined,
    );
  }
}
