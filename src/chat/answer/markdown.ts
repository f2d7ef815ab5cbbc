/**
 * Answers as elements: Markdown by marked, made safe by DOMPurify. Nothing in an answer may fetch anything: no pictures, no
 * styles, no frames; links open elsewhere, knowing nothing of us. Code and formulas are dressed after that, by tools that
 * come when they are first needed.
 */
import DOMPurify from 'dompurify';
import { Lexer, Marked, type MarkedOptions, Parser } from 'marked';
import type { Links } from './chunks.ts';
import { mathExtensions } from './math.ts';

/** With this module, as it needs the same parser, which is not wanted before the first answer. */
export { MarkdownChunks } from './chunks.ts';

const TAGS = [
  ...['p', 'br', 'hr', 'blockquote', 'pre', 'code', 'em', 'strong', 'del', 'a', 'ul', 'ol', 'li', 'sub', 'sup', 'kbd'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
];
/** Classes that our renderers write. */
const CLASS = /^(?:language-[\w+#.-]+|math-inline|math-display)$/;

/** The little HTML that models write for want of Markdown. */
const PLAIN_TAG = /^<(?:br\s*\/?|\/?(?:em|strong|del|sub|sup|kbd))>$/i;

const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const markdown = new Marked({
  async: false,
  gfm: true,
  breaks: true,
  extensions: mathExtensions,
  renderer: {
    // Other HTML is shown as it was written: who asks about a tag wants to read it, and sanitising would swallow it.
    html({ text, block }) {
      if (PLAIN_TAG.test(text.trim())) return text;
      return block ? `<p>${escape(text)}</p>` : escape(text);
    },
    // What there is to say about a picture, without fetching it.
    image: ({ text }) => escape(text),
  },
});

export const options: MarkedOptions = markdown.defaults;

const purify = DOMPurify(window);
purify.addHook('afterSanitizeAttributes', (node) => {
  const name = node.getAttribute('class');
  if (name !== null && !(node.tagName === 'CODE' && CLASS.test(name))) node.removeAttribute('class');
  if (node.tagName !== 'A') return;
  const href = node.getAttribute('href');
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer');
  // Where it leads, whatever it says.
  if (href) node.setAttribute('title', href);
  else node.removeAttribute('href');
});

/** What dresses code and formulas; either may not be there yet. */
export interface Tools {
  /** Colours the text of a code element, in place. */
  highlight: ((code: HTMLElement, language: string) => void) | null;
  /** Sets a formula in place of its source. */
  typeset: ((source: HTMLElement, tex: string, display: boolean) => void) | null;
  /** The name of the button that copies code. */
  copy: string;
}

export interface Rendered {
  content: DocumentFragment;
  /** There is code, or a formula, that wants its tool. */
  wants: { highlight: boolean; typeset: boolean };
}

/**
 * @param links addresses that the rest of the answer defines.
 * @param tools only those that are wanted are looked at, so that an answer without code does not depend on its colours.
 */
export function renderMarkdown(source: string, links: Links, tools: Tools, { colours = true } = {}): Rendered {
  const lexer = new Lexer(options);
  Object.assign(lexer.tokens.links, links);
  const html = Parser.parse(lexer.lex(source), options);
  const content = purify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'align', 'start', 'target', 'rel', 'title', 'class'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  const wants = { highlight: false, typeset: false };
  for (const code of content.querySelectorAll<HTMLElement>('code.math-inline, code.math-display')) {
    wants.typeset = true;
    tools.typeset?.(code, code.textContent, code.className === 'math-display');
  }
  for (const table of content.querySelectorAll('table')) makeScrollable(table);
  for (const pre of content.querySelectorAll('pre')) {
    const code = pre.querySelector('code');
    const language = /^language-(.+)$/.exec(code?.className ?? '')?.[1] ?? '';
    if (code && language && colours) {
      wants.highlight = true;
      tools.highlight?.(code, language);
    }
    frameCode(pre, language, tools.copy);
  }
  return { content, wants };
}

/** What is wider than the page scrolls in a box of its own, that the keyboard reaches too. */
function makeScrollable(wide: Element): HTMLElement {
  const box = document.createElement('div');
  box.className = 'wide';
  box.tabIndex = 0;
  wide.replaceWith(box);
  box.append(wide);
  return box;
}

/** Above code: its language, and a button that copies it (`Answer text` listens for its click). */
function frameCode(pre: Element, language: string, copy: string): void {
  const box = makeScrollable(pre);
  const frame = document.createElement('div');
  frame.className = 'code';
  box.replaceWith(frame);
  const bar = document.createElement('div');
  bar.className = 'bar';
  const name = document.createElement('span');
  name.textContent = language;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = copy;
  bar.append(name, button);
  frame.append(bar, box);
}
