/**
 * Formulas by KaTeX, as MathML: browsers set it themselves, screen readers read it, and neither fonts nor styles are
 * needed. Commands that fetch or link (`\includegraphics`, `\href`) are not trusted, and what is no TeX stays as
 * written.
 */
import katex from 'katex';

/** Bounds macro expansion and sizes. */
const KATEX_LIMITS = { maxExpand: 500, maxSize: 20 };

export function typeset(source: HTMLElement, tex: string, display: boolean): void {
  const set = document.createElement('span');
  set.className = display ? 'formula display' : 'formula';
  try {
    katex.render(tex, set, { displayMode: display, output: 'mathml', trust: false, strict: 'ignore', ...KATEX_LIMITS });
  } catch {
    return;
  }
  // The content security policy forbids inline styles, and MathML does not need them.
  for (const styled of set.querySelectorAll('[style]')) styled.removeAttribute('style');
  if (display) set.tabIndex = 0;
  source.replaceWith(set);
}
