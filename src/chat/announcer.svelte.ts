/** What a screen reader hears of an answer: whole sentences, as they end, and never half a word. */

/** The end of a sentence: its mark and what closes it, before a space or at a line's end. */
const SENTENCE = /[.!?…]+[»”"')\]]*(?=\s)|\n/gu;

export class Announcer {
  sentences = $state.raw<string[]>([]);
  private unsaid = '';

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

  private say(text: string): void {
    const sentence = text.trim();
    if (sentence) this.sentences = [...this.sentences.slice(-20), sentence];
  }
}
