import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { markdownFiles, readText } from './markdown.ts';

/** Pages that lead a contributor through the code. Decision records are dated and may name what has moved since. */
const PAGES = [
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/contributing/recipes.md',
  'docs/contributing/testing.md',
];
const ROOM = /^(src|workers|protocol|tools|e2e|docs|public|reference|training|deploy|\.github)\//;

interface Place {
  path: string;
  /** Found in the file as a whole word. */
  identifier: string | undefined;
}

const withoutFences = (markdown: string) => markdown.replace(/^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2[ \t]*$/gm, '');
const inlineCode = (markdown: string) => [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** Finds places of the repository in inline code: `path` and `path:identifier`. */
function placesIn(markdown: string): Place[] {
  return inlineCode(withoutFences(markdown))
    .filter((code) => ROOM.test(code) && !/\s/.test(code))
    .map((code) => {
      const [, path = code, identifier] = /^([\w./-]+?)(?::([\w$.'-]+))?$/.exec(code) ?? [];
      return { path, identifier };
    });
}

/**
 * Finds short names of folders and sources, such as `cache/` or `engine.ts`, that exist in none of the folders which the
 * same list item or the heading above it names.
 */
function unknownShortNames(markdown: string): string[] {
  return withoutFences(markdown)
    .split(/^(?=## )/m)
    .flatMap((section) => {
      const [heading = '', ...items] = section.split(/\n\n|\n(?=- )/);
      return items.flatMap((item) => {
        const named = inlineCode(`${heading} ${item}`).filter((code) => ROOM.test(code) && code.endsWith('/'));
        const short = inlineCode(item).filter((code) => code.endsWith('/') && !ROOM.test(code));
        const folders = [...named, ...named.flatMap((folder) => short.map((name) => join(folder, name)))];
        return inlineCode(item).filter(
          (code) =>
            /^[\w-][\w./-]*(\/|\.ts|\.svelte)$/.test(code) &&
            !ROOM.test(code) &&
            !folders.some((folder) => existsSync(join(folder, code))),
        );
      });
    });
}

function missing({ path, identifier }: Place): boolean {
  if (!existsSync(path)) return true;
  if (identifier === undefined) return false;
  if (statSync(path).isDirectory()) return true;
  const word = identifier.replace(/[.$']/g, '\\$&');
  return !new RegExp(`(?<![\\w$-])${word}(?![\\w$-])`).test(readText(path));
}

test('finds places, and tells those that do not exist', () => {
  const places = placesIn(
    '`tools/docs/paths.spec.ts:missing`, `tools/none.ts`, `npm run x`, `protocol/store.ts:noSuchName`',
  );
  expect(places.map(({ path, identifier }) => [path, identifier])).toEqual([
    ['tools/docs/paths.spec.ts', 'missing'],
    ['tools/none.ts', undefined],
    ['protocol/store.ts', 'noSuchName'],
  ]);
  expect(places.map(missing)).toEqual([false, true, true]);
});

test.each(PAGES)('every path and identifier that %s names exists', (page) => {
  const places = placesIn(readText(page));
  expect(places.length).toBeGreaterThan(0);
  const wrong = places.filter(missing).map(({ path, identifier }) => (identifier ? `${path}:${identifier}` : path));
  expect(wrong).toEqual([]);
  expect(unknownShortNames(readText(page))).toEqual([]);
});

test('short names are looked for in the folders that the list item or the heading names', () => {
  expect(unknownShortNames('## Here\n\n- `tools/`: `serve/`, where `headers.ts` is')).toEqual([]);
  expect(unknownShortNames('## Here: `tools/docs/`\n\n`links.spec.ts` and `none.ts`.')).toEqual(['none.ts']);
  expect(unknownShortNames('## Here\n\n- `tools/`: `serve/`, `none/`\n- `docs/`: `serve/`')).toEqual([
    'none/',
    'serve/',
  ]);
});

test('every decision record is listed in the index', () => {
  const index = readText('docs/decisions/README.md');
  const records = markdownFiles().filter((path) => /^docs\/decisions\/\d/.test(path));
  expect(records.length).toBeGreaterThan(0);
  for (const record of records) expect(index).toContain(`(${basename(record)})`);
});
