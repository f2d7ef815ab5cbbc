import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { CONFIGURATIONS, withHeaders } from './headers.ts';

vi.stubEnv('FOURNIL_MODEL_ORIGINS', '');
const { securityHeaders } = await import('../serve/headers.ts');

describe.each(Object.entries(CONFIGURATIONS))('deploy/%s', (file, line) => {
  const text = readFileSync(`deploy/${file}`, 'utf8');

  it('has the security headers of our own server', () => {
    expect(withHeaders(text, line, securityHeaders)).toBe(text);
    for (const [name, value] of Object.entries(securityHeaders)) expect(text).toContain(line(name, value));
  });

  it('caches hashed files for good', () => {
    expect(text).toMatch(/assets/);
    expect(text).toMatch(/public, max-age=31536000, immutable/);
  });

  it('takes other headers in place of those it had', () => {
    const changed = withHeaders(text, line, { 'X-Only': 'this' });
    expect(changed).toContain(line('X-Only', 'this'));
    expect(changed).not.toContain('Content-Security-Policy');
    expect(withHeaders(changed, line, securityHeaders)).toBe(text);
  });
});

it('refuses a configuration that has no section for them', () => {
  expect(() => withHeaders('# nothing', (name) => name, {})).toThrow('no section');
});
