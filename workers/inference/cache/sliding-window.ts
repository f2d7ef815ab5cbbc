/**
 * How far back a text can be gone on from where sliding layers keep its last tokens only, in a ring: the token at position p
 * stands in row p modulo the rows. Steps back are free as long as the window before them is still there.
 */
export class SlidingWindow {
  /** Tokens held. */
  length = 0;
  /** Tokens before this one have been overwritten somewhere. */
  private oldest = 0;

  /** @param window tokens that a query of a sliding layer sees, itself included; 0: no layer slides */
  constructor(private readonly window: number) {}

  /** So many tokens have been written. @param rows the fewest that a layer has */
  advanceTo(length: number, rows: number): void {
    this.length = length;
    this.oldest = Math.max(this.oldest, length - rows);
  }

  /** Of the first `length` tokens, how many can be gone on from: all or none. */
  reusableLength(length: number): number {
    return this.oldest <= Math.max(0, length + 1 - this.window) ? length : 0;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
    if (length === 0) this.oldest = 0;
  }

  /** As it is now. */
  copy(): SlidingWindow {
    const copy = new SlidingWindow(this.window);
    copy.length = this.length;
    copy.oldest = this.oldest;
    return copy;
  }
}
