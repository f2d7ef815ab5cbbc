/** What a screen reader hears of an answer: whole sentences, as they end, and never half a word. */

import { spoken } from '../answer/spoken.ts';

/** The end of a sentence: its mark and what closes it, before a space or at a line's end. */
const SENTENCE = /[.!?…]+[\u202f\u00a0]?[»”"')\]*_]*(?=\s)|\n/gu;

/** Kept in the page; what was said longer ago has been heard. */
const KEPT = 20;

export class Announcer {
  /** Each with an id of its own: a sentence is put in the page once, and not again when older ones leave. */
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

  /** The answer is over: what is left is said too. */
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
    if (sentence) this.sentences = [...this.sentences.slice(1 - KEPT), { id: ++this.lastId, text: sentence }];
  }
}
