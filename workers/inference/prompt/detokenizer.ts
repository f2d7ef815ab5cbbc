/**
 * Token ids to text as they arrive. Each push takes the time of one token, whatever the answer's length, and gives complete
 * characters only; all pushes and the end together give exactly `tokenizer.decode` of all the ids.
 */
import { ByteDecoder, type Tokenizer } from './tokenizer.ts';

/** Decodes one answer after another. */
export class StreamDecoder {
  private readonly bytes = new ByteDecoder();

  constructor(private readonly tokenizer: Pick<Tokenizer, 'decodeToken'>) {}

  /** @returns the text that is certain now; empty in the middle of a character, and for control tokens */
  push(id: number): string {
    const token = this.tokenizer.decodeToken(id);
    if (token === 'control' || token === 'unknown') return '';
    return 'byte' in token ? this.bytes.push(token.byte) : this.bytes.end() + token.text;
  }

  /** Ends the text; another may follow. @returns U+FFFD if a character is not complete; else nothing */
  end(): string {
    return this.bytes.end();
  }
}
