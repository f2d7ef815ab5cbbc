import { describe, expect, it } from 'vitest';
import { commonLocale, isLanguage, localeFor, preferredLanguage } from './languages.ts';

describe('preferredLanguage', () => {
  it('takes the first that we speak', () => {
    expect(preferredLanguage(['xx-XX', 'fr-CA', 'en'])).toBe('fr');
    expect(preferredLanguage(['EN-GB', 'fr'])).toBe('en');
    // Frisian and Enets are neither French nor English.
    expect(preferredLanguage(['frr', 'enf', 'fr'])).toBe('fr');
    expect(preferredLanguage(['xx'])).toBe('en');
    expect(preferredLanguage([])).toBe('en');
  });
});

describe('isLanguage', () => {
  it('knows the codes of the list alone', () => {
    expect(isLanguage('fr')).toBe(true);
    for (const code of ['xx', 'constructor', '']) expect(isLanguage(code)).toBe(false);
  });
});

describe('localeFor', () => {
  it("is the person's own variety, else the language", () => {
    expect(localeFor('fr', ['en-GB', 'fr-CA', 'fr-FR'])).toBe('fr-CA');
    expect(localeFor('fr', ['en-GB', 'fr'])).toBe('fr');
  });
});

describe('commonLocale', () => {
  it('names the region with the most speakers', () => {
    expect([commonLocale('en'), commonLocale('fr')]).toEqual(['en-US', 'fr-FR']);
  });
});
