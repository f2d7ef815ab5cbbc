/**
 * An answer's Markdown cut into chunks that are rendered one by one while it grows. A finished chunk is never parsed
 * again, and the rendered chunks in a row equal the rendering of the whole text. Cuts are made only at blank lines that
 * end every open block, and two blocks before the end, since the last block may still continue the one before it ("2"
 * after a list becomes its next item).
 */
import { Lexer, type MarkedOptions, type Token, type TokensList } from 'marked';

export type Links = TokensList['links'];

export interface Chunk {
  /** Stable while the chunk grows. */
  id: number;
  source: string;
}

export class MarkdownChunks {
  private readonly finished: Chunk[] = [];
  private tail = '';
  private length = 0;
  /** Link definitions of the whole text (`[name]: address`); the same object until one changes. */
  links: Links = {};
  /**
   * Link definitions of finished chunks. One at the end may be incomplete, and in Markdown the first definition of a
   * name wins.
   */
  private defined: Links = {};
  /** Number of characters lexed so far, which is the cost of streaming. */
  lexed = 0;

  constructor(private readonly options: MarkedOptions) {}

  /** @param text all of the text so far @returns its chunks; unchanged ones are the same objects */
  update(text: string): Chunk[] {
    this.tail += text.slice(this.length);
    this.length = text.length;
    const { tokens, links } = this.lex(this.tail);
    if (JSON.stringify(links) !== JSON.stringify(this.links)) this.links = links;
    const cut = lastBoundary(tokens);
    if (cut > 0) {
      const source = this.tail.slice(0, cut);
      if (Object.keys(links).length > Object.keys(this.defined).length) this.defined = this.lex(source).links;
      this.finished.push({ id: this.finished.length, source });
      this.tail = this.tail.slice(cut);
    }
    return this.tail === '' ? [...this.finished] : [...this.finished, { id: this.finished.length, source: this.tail }];
  }

  private lex(source: string): { tokens: Token[]; links: Links } {
    const lexer = new Lexer(this.options);
    Object.assign(lexer.tokens.links, this.defined);
    const tokens = lexer.lex(source);
    this.lexed += source.length;
    return { tokens, links: tokens.links };
  }
}

/** Number of characters before the last safe boundary. */
function lastBoundary(tokens: readonly Token[]): number {
  const blocks = tokens.flatMap((token, i) => (token.type === 'space' ? [] : [i]));
  let cut = 0;
  let at = 0;
  for (const [i, token] of tokens.entries()) {
    // The last two blocks may still change.
    if (i >= (blocks.at(-2) ?? 0)) break;
    at += token.raw.length;
    if (/\n[ \t]*\n$/.test(token.raw) || (token.type === 'space' && token.raw.includes('\n'))) cut = at;
  }
  return cut;
}
