import { describe, expect, it } from 'vitest';
import { languageOf } from './speech.svelte.ts';

describe('languageOf', () => {
  it('is the one whose common words are the most frequent', () => {
    expect(languageOf('The cat is on the mat, and it sleeps.', 'fr')).toBe('en');
    expect(languageOf('Le chat est sur le tapis, et il dort. C’est tout.', 'en')).toBe('fr');
  });

  it('is the fallback where no language has the most', () => {
    expect(languageOf('', 'fr')).toBe('fr');
    expect(languageOf('42 + 1', 'en')).toBe('en');
    expect(languageOf('la the', 'fr')).toBe('fr');
  });

  it('counts whole words alone', () => {
    expect(languageOf('theatre landing unesco the', 'fr')).toBe('en');
    expect(languageOf('élans dessert les', 'en')).toBe('fr');
  });
});
