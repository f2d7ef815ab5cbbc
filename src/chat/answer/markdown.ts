/**
 * Answers as elements: Markdown by marked, made safe by DOMPurify. Nothing in an answer may fetch anything: no
 * pictures, no styles, no frames; links open in a new tab without opener or referrer. Code and formulas are highlighted and
 * typeset after that, by tools that are loaded when they are first needed.
 */
import DOMPurify from 'dompurify';
import { Lexer, Marked, type MarkedOptions, Parser } from 'marked';
import type { Links } from './chunks.ts';
import { mathExtensions } from './math.ts';

/** Re-exported here, since it needs the same parser, which is loaded with the first answer. */
export { MarkdownChunks } from './chunks.ts';

const TAGS = [
  ...['p', 'br', 'hr', 'blockquote', 'pre', 'code', 'em', 'strong', 'del', 'a', 'ul', 'ol', 'li', 'sub', 'sup', 'kbd'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
];
/** The classes that our renderers write. */
const CLASS = /^(?:language-[\w+#.-]+|math-inline|math-display)$/;

/** The inline HTML that models use where Markdown has no syntax. */
const PLAIN_TAG = /^<(?:br\s*\/?|\/?(?:em|strong|del|sub|sup|kbd))>$/i;

const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const markdown = new Marked({
  async: false,
  gfm: true,
  breaks: true,
  extensions: mathExtensions,
  renderer: {
    // Other HTML is shown as text: a person who asks about a tag wants to read it, and sanitising would remove it.
    html({ text, block }) {
      if (PLAIN_TAG.test(text.trim())) return text;
      return block ? `<p>${escape(text)}</p>` : escape(text);
    },
    // Pictures are never fetched; their alternative text is shown.
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
  // The tooltip shows the real address, whatever the link's text says.
  if (href) node.setAttribute('title', href);
  else node.removeAttribute('href');
});

/** The highlighter and the typesetter; each is null until it is loaded. */
export interface Tools {
  /** Highlights a code element in place. */
  highlight: ((code: HTMLElement, language: string) => void) | null;
  /** Replaces the source of a formula by the formula. */
  typeset: ((source: HTMLElement, tex: string, display: boolean) => void) | null;
  /** Label of the button that copies code. */
  copy: string;
}

export interface Rendered {
  content: DocumentFragment;
  /** Which tools the content needs. */
  wants: { highlight: boolean; typeset: boolean };
}

/**
 * @param links link definitions of the whole answer
 * @param tools are read only if needed, so that an answer without code does not depend on the highlighter
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

/** Wide content scrolls in a focusable box of its own. */
function makeScrollable(wide: Element): HTMLElement {
  const box = document.createElement('div');
  box.className = 'wide';
  box.tabIndex = 0;
  wide.replaceWith(box);
  box.append(wide);
  return box;
}

/** Adds a bar above code with its language and a copy button, whose click AnswerText.svelte handles. */
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
