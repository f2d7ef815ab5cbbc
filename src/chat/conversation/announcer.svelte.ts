/** Announces an answer to screen readers sentence by sentence, never half a word. */

import { spoken } from '../answer/spoken.ts';

/** A sentence ends with its punctuation and closing quotes before white space, or at a line's end. */
const SENTENCE = /[.!?…]+[\u202f\u00a0]?[»”"')\]*_]*(?=\s)|\n/gu;

/** Number of sentences in the page; older ones have been read. */
const MAX_SENTENCES = 20;

export class Announcer {
  /** Ids are stable, so that a sentence is not announced again when older ones are removed. */
  sentences = $state.raw<{ id: number; text: string }[]>([]);
  private unsaid = '';
  private lastId = 0;

  hear(text: string): void {
    this.unsaid += text;
    let end = 0;
    for (const match of this.unsaid.matchAll(SENTENCE)) end = match.index + match[0].length;
    this.say(this.unsaid.slice(0, end));
    this.unsaid = this.unsaid.slice(end);
  }

  /** Announces the rest, since the answer has ended. */
  end(): void {
    this.say(this.unsaid);
    this.unsaid = '';
  }

  clear(): void {
    this.unsaid = '';
    this.sentences = [];
  }

  say(text: string): void {
    const sentence = spoken(text);
    if (sentence) this.sentences = [...this.sentences.slice(1 - MAX_SENTENCES), { id: ++this.lastId, text: sentence }];
  }
}
