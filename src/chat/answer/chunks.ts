/**
 * An answer's Markdown cut into chunks that can be rendered one by one, while it grows: what is finished is never looked
 * at again, and the chunks' rendering one after another is the whole's. Cuts are made at blank lines only, where Markdown
 * has no memory, and two blocks behind the end: the last one may turn out to go on with the one before ("2" after a list
 * becomes its next item).
 */
import { Lexer, type MarkedOptions, type Token, type TokensList } from 'marked';

export type Links = TokensList['links'];

export interface Chunk {
  /** Stays with the chunk while it grows. */
  id: number;
  source: string;
}

export class MarkdownChunks {
  private readonly finished: Chunk[] = [];
  private tail = '';
  private length = 0;
  /** Addresses that the text defines (`[name]: address`), for links anywhere in it; the same object while none changes. */
  links: Links = {};
  /** Those of finished chunks: one at the end may not be whole yet, and the first definition of a name is the one that counts. */
  private defined: Links = {};
  /** Characters that were lexed, altogether: the work that growing costs. */
  lexed = 0;

  constructor(private readonly options: MarkedOptions) {}

  /** All of the text so far. @returns the chunks; those that have not changed are the same objects. */
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

/** How many characters of the tokens are finished. */
function lastBoundary(tokens: readonly Token[]): number {
  const blocks = tokens.flatMap((token, i) => (token.type === 'space' ? [] : [i]));
  let cut = 0;
  let at = 0;
  for (const [i, token] of tokens.entries()) {
    // The last two blocks stay.
    if (i >= (blocks.at(-2) ?? 0)) break;
    at += token.raw.length;
    if (/\n[ \t]*\n$/.test(token.raw) || (token.type === 'space' && token.raw.includes('\n'))) cut = at;
  }
  return cut;
}
