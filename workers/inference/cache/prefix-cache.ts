/** The caches of texts that were left for another, within a budget of bytes; the one left longest ago goes first. */
import type { ParkedCache } from '../backends/ort/kv-cache.ts';

/** What is in one place of a cache: a token id, or a named picture's nth token. */
export type TokenKey = number | string;

export interface ParkedText {
  keys: readonly TokenKey[];
  cache: ParkedCache;
}

const beginsWith = (keys: readonly TokenKey[], beginning: readonly TokenKey[]): boolean =>
  beginning.length <= keys.length && beginning.every((key, i) => key === keys[i]);

export class ParkedTexts {
  /** The one left longest ago first. */
  private texts: ParkedText[] = [];

  constructor(private readonly budget: number) {}

  /** @param known how many tokens of a text are wanted; the text with the most, if any has one */
  best(known: (keys: readonly TokenKey[]) => number): { text: ParkedText; known: number } | null {
    let best: { text: ParkedText; known: number } | null = null;
    for (const text of this.texts) {
      const count = text.cache.keepable(known(text.keys));
      if (count > (best?.known ?? 0)) best = { text, known: count };
    }
    return best;
  }

  /** Whether a cache of so many bytes can be kept at all. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= this.budget;
  }

  put(text: ParkedText): void {
    // What this text goes on from is of no more use.
    for (const other of this.texts) if (beginsWith(text.keys, other.keys)) this.drop(other);
    this.texts.push(text);
    for (const oldest of [...this.texts]) if (this.bytes > this.budget) this.drop(oldest);
  }

  /** The caller's from now on. */
  take(text: ParkedText): void {
    this.texts = this.texts.filter((other) => other !== text);
  }

  private get bytes(): number {
    return this.texts.reduce((sum, { cache }) => sum + cache.bytes, 0);
  }

  private drop(text: ParkedText): void {
    this.take(text);
    text.cache.dispose();
  }

  dispose(): void {
    for (const text of this.texts) this.drop(text);
  }
}
