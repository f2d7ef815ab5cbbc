/** What the vision encoder drives: a session that runs its graph, in terms of Float32Array only. */
export interface EncoderSession {
  /**
   * Encodes one picture.
   * @param pixels float32 [channels, imageSize, imageSize], normalised.
   * @returns float32 [tokensPerImage, hidden size of the text model]
   */
  run(pixels: Float32Array): Promise<Float32Array>;
  /** Frees the session. */
  release(): Promise<void>;
}
