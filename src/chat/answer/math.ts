/**
 * Formulas in Markdown: `$…$` and `\(…\)` within a line of text, `$$…$$` and `\[…\]` on their own. A dollar opens a
 * formula as in Pandoc: something must follow it directly, and directly precede the one that closes it, which no digit
 * may follow. "$5 and $10" is text.
 */
import type { TokenizerAndRendererExtension, Tokens } from 'marked';

const INLINE = /^(?:\$(?![\s$])((?:\\.|[^$\\\n])*?[^\s$\\]|(?:\\.|[^$\\\n])*?\\.)\$(?!\d)|\\\(([\s\S]+?)\\\))/;
const INLINE_DISPLAY = /^\$\$([^$]+?)\$\$/;
const BLOCK = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/;

/** Placeholder of a formula until it is typeset. */
const holder = (tex: string, display: boolean): string => {
  const escaped = tex.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return `<code class="${display ? 'math-display' : 'math-inline'}">${escaped}</code>`;
};

const token = (type: string, match: RegExpExecArray | null): Tokens.Generic | undefined =>
  match ? { type, raw: match[0], text: (match[1] ?? match[2] ?? '').trim() } : undefined;

export const mathExtensions: TokenizerAndRendererExtension[] = [
  {
    name: 'mathBlock',
    level: 'block',
    start: (source) => /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(source)?.index,
    tokenizer: (source) => token('mathBlock', BLOCK.exec(source)),
    renderer: ({ text }: Tokens.Generic) => `<p>${holder(String(text), true)}</p>`,
  },
  {
    name: 'mathInline',
    level: 'inline',
    start: (source) => /\$|\\\(/.exec(source)?.index,
    tokenizer: (source) => {
      const display = token('mathInline', INLINE_DISPLAY.exec(source));
      return display ? { ...display, display: true } : token('mathInline', INLINE.exec(source));
    },
    renderer: ({ text, display }: Tokens.Generic) => holder(String(text), display === true),
  },
];
