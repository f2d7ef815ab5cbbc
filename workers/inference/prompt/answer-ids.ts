/** Number of answers whose ids are kept. */
const MAX_ANSWERS = 256;

/**
 * The token ids of the last answers, by their text. Encoding an answer's text again may give other tokens than the model
 * chose; with its own ids the next prompt begins exactly as the KV cache does, and only the new turn has to be processed.
 */
export class AnswerIds {
  private readonly ids = new Map<string, readonly number[]>();

  /** Keeps the ids of an answer, unless it begins or ends in white space, which the chat template would trim. */
  add(text: string, ids: readonly number[]): void {
    if (!text || text !== text.trim()) return;
    this.ids.delete(text);
    this.ids.set(text, ids);
    const oldest = this.ids.keys().next();
    if (this.ids.size > MAX_ANSWERS && !oldest.done) this.ids.delete(oldest.value);
  }

  /** The ids of an answer, whatever white space is around its text. */
  get(text: string): readonly number[] | undefined {
    return this.ids.get(text.trim());
  }
}
