import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { headingAnchors, linkTargets, markdownFiles, readText } from './markdown.ts';

/** Lists the links of a page that lead to no file, out of the repository, or to no heading of the page they name. */
function brokenLinks(page: string): string[] {
  return linkTargets(readText(page)).filter((target) => {
    if (/^[a-z]+:/i.test(target)) return false;
    const [path = '', anchor] = decodeURI(target).split('#');
    const file = path === '' ? page : normalize(join(dirname(page), path));
    if (file.startsWith('..') || !existsSync(file)) return true;
    return anchor !== undefined && file.endsWith('.md') && !headingAnchors(readText(file)).has(anchor);
  });
}

test('finds links, and headings as GitHub names them', () => {
  const page =
    '# Of `one`\n## Two, and more\n## Two, and more\n[a](b.md#c) ![d](<e.png>)\n`[no](x)`\n```\n[no](y)\n```\n[f]: g.md';
  expect(linkTargets(page)).toEqual(['b.md#c', 'e.png', 'g.md']);
  expect([...headingAnchors(page)]).toEqual(['of-one', 'two-and-more', 'two-and-more-1']);
});

test('every relative link of every Markdown page leads to a file of the repository and a heading in it', () => {
  const pages = markdownFiles();
  expect(pages).toContain('README.md');
  const broken = pages.flatMap((page) => brokenLinks(page).map((target) => `${page}: ${target}`));
  expect(broken).toEqual([]);
});
