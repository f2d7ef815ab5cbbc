/**
 * Answers as HTML: Markdown by marked, made safe by DOMPurify. Both come with the first answer, not with the page.
 * Nothing in an answer may fetch anything: no pictures, no styles, no frames; links open elsewhere, knowing nothing of us.
 */
import DOMPurify from 'dompurify';
import { Marked } from 'marked';

const TAGS = [
  ...['p', 'br', 'hr', 'blockquote', 'pre', 'code', 'em', 'strong', 'del', 'a', 'ul', 'ol', 'li', 'sub', 'sup', 'kbd'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
];

/** The little HTML that models write for want of Markdown. */
const PLAIN_TAG = /^<(?:br\s*\/?|\/?(?:em|strong|del|sub|sup|kbd))>$/i;

const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const markdown = new Marked({
  async: false,
  gfm: true,
  breaks: true,
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

const purify = DOMPurify(window);
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer');
});

export function renderMarkdown(text: string): string {
  const safe = purify.sanitize(markdown.parse(text) as string, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'align', 'start', 'target', 'rel'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const wide of safe.querySelectorAll('pre, table')) makeScrollable(wide);
  const holder = document.createElement('div');
  holder.append(safe);
  return holder.innerHTML;
}

/** What is wider than the page scrolls in a box of its own, that the keyboard reaches too. */
function makeScrollable(wide: Element): void {
  const box = document.createElement('div');
  box.className = 'wide';
  box.tabIndex = 0;
  wide.replaceWith(box);
  box.append(wide);
}
