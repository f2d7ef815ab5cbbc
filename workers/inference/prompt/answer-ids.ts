/**
 * The token ids that made each answer. Encoding an answer's text again may give other tokens than the model chose; with
 * its own ids the next prompt begins exactly as the cache does, and only the new turn is read.
 */
const REMEMBERED = 256;

export class AnswerMemory {
  private readonly ids = new Map<string, readonly number[]>();

  remember(text: string, ids: readonly number[]): void {
    // The chat template trims what it puts in a turn: such an answer could not be found again as it was.
    if (!text || text !== text.trim()) return;
    this.ids.delete(text);
    this.ids.set(text, ids);
    const oldest = this.ids.keys().next();
    if (this.ids.size > REMEMBERED && !oldest.done) this.ids.delete(oldest.value);
  }

  idsOf(text: string): readonly number[] | undefined {
    return this.ids.get(text.trim());
  }
}
