import { expect, test } from 'vitest';
import { markdownFiles, readText } from './markdown.ts';

/** Labels of the page are written in bold and quotation marks: **“Import a folder”**, **« Importer un dossier »**. */
const LABEL = /\*\*(?:“([^”]+)”|«\s([^»]+)\s»)\*\*/g;

test.each([
  ['en', (page: string) => !page.endsWith('.fr.md')],
  ['fr', (page: string) => page.endsWith('.fr.md')],
])('guides in %s name what the page shows in that language', (language, belongs) => {
  const messages = new Set(
    Object.values(JSON.parse(readText(`src/i18n/messages/${language}.json`)) as Record<string, string>),
  );
  const pages = markdownFiles().filter((page) => page.startsWith('docs/') && belongs(page));
  const labels = pages.flatMap((page) => [...readText(page).matchAll(LABEL)].map(([, en, fr]) => en ?? fr ?? ''));
  expect(labels.length).toBeGreaterThan(5);
  expect(labels.map((label) => label.replace(/\s+/g, ' ')).filter((label) => !messages.has(label))).toEqual([]);
});
