import { afterEach, describe, expect, it, vi } from 'vitest';
import { nameOf, sourceIdOf, readSource, siteModels, underGemmaTerms } from './catalogue.ts';

const BASE = 'https://bread.example/fournil/';
const read = (text: string) => readSource(text, BASE, ['https://mirror.example']);

describe('readSource', () => {
  const known: [string, object][] = [
    ['onnx-community/gemma-3-1b-it-ONNX-GQA', { kind: 'hub', repo: 'onnx-community/gemma-3-1b-it-ONNX-GQA' }],
    [' https://huggingface.co/a/b.c ', { kind: 'hub', repo: 'a/b.c' }],
    ['https://huggingface.co/a/b/tree/v2/onnx', { kind: 'hub', repo: 'a/b', revision: 'v2' }],
    ['https://mirror.example/gemma', { kind: 'mirror', url: 'https://mirror.example/gemma/' }],
    ['https://mirror.example/gemma/manifest.json?x=1', { kind: 'mirror', url: 'https://mirror.example/gemma/' }],
    ['./models/one/', { kind: 'mirror', url: 'https://bread.example/fournil/models/one/' }],
    ['https://elsewhere.example/gemma/', { refused: 'own.originRefused' }],
    ['https://huggingface.co/a', { refused: 'own.unreadable' }],
    ['gemma', { refused: 'own.unreadable' }],
    ['', { refused: 'own.unreadable' }],
  ];
  for (const [text, source] of known)
    it(`reads "${text}"`, () => {
      expect(read(text)).toEqual(source);
    });
});

describe('the catalogue', () => {
  it('names models', () => {
    expect(nameOf('onnx-community/gemma-3-4b-it-ONNX')).toBe('Gemma 3 4B');
    expect(nameOf('me/my-gemma')).toBe('my-gemma');
  });

  it('knows what is under Gemma’s terms, and what is the same place', () => {
    expect(underGemmaTerms({ kind: 'hub', repo: 'a/b' })).toBe(true);
    expect(underGemmaTerms({ kind: 'mirror', url: BASE }, 'gemma')).toBe(true);
    expect(underGemmaTerms({ kind: 'mirror', url: BASE }, 'Apache-2.0')).toBe(false);
    expect(sourceIdOf({ kind: 'hub', repo: 'a/b', revision: 'x', dtype: 'q4' })).toBe(
      sourceIdOf({ kind: 'hub', repo: 'a/b' }),
    );
    expect(sourceIdOf({ kind: 'files' })).toBeNull();
  });
});

describe('siteModels', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('reads the site’s own list', async () => {
    const models = [
      { url: 'models/one/', name: 'One' },
      { url: 'https://elsewhere.example/', name: 'Two' },
    ];
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ models })));
    expect(await siteModels(BASE)).toEqual([
      { name: 'One', source: { kind: 'mirror', url: 'https://bread.example/fournil/models/one/' } },
    ]);
  });

  it('does without', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>')));
    expect(await siteModels(BASE)).toEqual([]);
  });
});
