/**
 * Which tokens a ring buffer of cache rows still holds. Sliding-window layers keep the last rows only: the token at
 * position p is in row p modulo the number of rows, so later tokens overwrite earlier ones.
 */
export class SlidingWindow {
  /** Number of tokens written. */
  length = 0;
  /** Tokens before this position have been overwritten in some layer. */
  private oldest = 0;

  /** @param window tokens that a query of a sliding-window layer sees, itself included; 0 if no layer slides */
  constructor(private readonly window: number) {}

  /**
   * Records that tokens were written.
   * @param length number of tokens written in all
   * @param rows the smallest number of rows of any layer
   */
  advanceTo(length: number, rows: number): void {
    this.length = length;
    this.oldest = Math.max(this.oldest, length - rows);
  }

  /**
   * Whether a text can go on after its first tokens: the window before the next token must not be overwritten.
   * @param length number of tokens
   * @returns `length`, or 0 if the text has to be processed from its beginning
   */
  reusableLength(length: number): number {
    return this.oldest <= Math.max(0, length + 1 - this.window) ? length : 0;
  }

  /**
   * Forgets tokens after the first `length`. Overwritten rows stay overwritten, unless nothing is left.
   * @param length number of tokens to keep
   */
  truncate(length: number): void {
    this.length = Math.min(this.length, length);
    if (length === 0) this.oldest = 0;
  }

  /**
   * Copies the record.
   * @returns an independent copy
   */
  copy(): SlidingWindow {
    const copy = new SlidingWindow(this.window);
    copy.length = this.length;
    copy.oldest = this.oldest;
    return copy;
  }
}
