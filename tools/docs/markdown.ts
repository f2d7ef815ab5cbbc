/** @file The repository's Markdown pages, as the specs beside this file check them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lists every Markdown file that git tracks or would track. @returns paths relative to the repository root */
export function markdownFiles(): string[] {
  const list = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '*.md'],
    {
      encoding: 'utf8',
    },
  );
  return list.split('\n').filter(Boolean);
}

/** Fenced and inline code holds examples, not links. */
const withoutCode = (markdown: string): string =>
  markdown.replace(/^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1\2[ \t]*$/gm, '').replace(/`[^`\n]+`/g, '');

/** Finds the targets of links and images, `[text](target)` and `[label]: target`. */
export function linkTargets(markdown: string): string[] {
  const text = withoutCode(markdown);
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...text.matchAll(/^\[[^\]]+\]:\s*<?([^\s>]+)>?/gm)];
  return [...inline, ...references].map(([, target]) => target ?? '');
}

/**
 * Finds the anchors that GitHub gives to headings: lower case, punctuation removed, spaces as hyphens, and a counter
 * for headings that repeat.
 */
export function headingAnchors(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const fenceless = markdown.replace(/^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1\2[ \t]*$/gm, '');
  for (const [, heading = ''] of fenceless.matchAll(/^#{1,6}\s+(.+?)\s*$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const base = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${base}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

export const readText = (path: string): string => readFileSync(path, 'utf8');
