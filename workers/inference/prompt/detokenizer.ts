/**
 * Token ids to text while they come. Each push costs one token's worth, never the whole answer, and gives only whole
 * characters; all pushes and the end together give exactly `tokenizer.decode` of all the ids.
 */
import { ByteRuns, type Tokenizer } from './tokenizer.ts';

export class StreamDecoder {
  private readonly bytes = new ByteRuns();

  constructor(private readonly tokenizer: Pick<Tokenizer, 'pieceOf'>) {}

  /** @returns the text that is certain now; empty in the middle of a character, and for control tokens. */
  push(id: number): string {
    const piece = this.tokenizer.pieceOf(id);
    if (piece === 'control' || piece === 'unknown') return '';
    return 'byte' in piece ? this.bytes.push(piece.byte) : this.bytes.end() + piece.text;
  }

  /** @returns U+FFFD if a character never ended, or nothing. The decoder is then as new. */
  end(): string {
    return this.bytes.end();
  }
}
