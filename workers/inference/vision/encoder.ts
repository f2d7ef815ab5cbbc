/**
 * Pictures to soft tokens: the vision encoder's session, opened when it is first needed, and the features of the pictures
 * that were encoded last, so that a picture is encoded once however many turns talk about it.
 */
import type { EncoderSession } from '../backend-interface/encoder-session.ts';

/** Pictures whose features are kept; one of Gemma 3 4B's takes 2.6 MB. */
const MAX_CACHED = 32;

/** Encodes pictures, and caches their features. */
export class VisionEncoder {
  /** Features by the picture's key, the one used longest ago first. */
  private readonly cache = new Map<string, Float32Array>();
  private session: Promise<EncoderSession> | null = null;

  /**
   * @param createSession opens the session.
   * @param selfTest is awaited before each picture; it rejects where the device computes wrong features.
   */
  constructor(
    private readonly createSession: () => Promise<EncoderSession>,
    private readonly selfTest: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Opens the session unless that has begun; tries again after a failure. Rejects with whatever opening it does. */
  open(): Promise<EncoderSession> {
    this.session ??= this.createSession().catch((cause: unknown) => {
      this.session = null;
      throw cause;
    });
    return this.session;
  }

  /** The features of a picture that was encoded before: float32 [tokensPerImage, hidden size of the text model]. */
  cachedFeatures(key: string): Float32Array | undefined {
    const features = this.cache.get(key);
    if (!features) return undefined;
    this.cache.delete(key);
    this.cache.set(key, features);
    return features;
  }

  /**
   * Encodes a picture.
   * @param key names the picture's content, e.g. its hash.
   * @param pixels float32 [channels, imageSize, imageSize], normalised.
   * @returns float32 [tokensPerImage, hidden size of the text model]. Rejects with EngineError `adapter-wrong` where the
   *   self-test fails, and with whatever opening the session does.
   */
  async encode(key: string, pixels: Float32Array): Promise<Float32Array> {
    const session = await this.open();
    await this.selfTest();
    const features = await session.run(pixels);
    this.cache.set(key, features);
    const oldest = this.cache.keys().next();
    if (this.cache.size > MAX_CACHED && !oldest.done) this.cache.delete(oldest.value);
    return features;
  }

  /** Releases the session. Resolves when one that was being opened is released, too. */
  async dispose(): Promise<void> {
    await this.session?.then(
      (session) => session.release(),
      () => undefined,
    );
  }
}
