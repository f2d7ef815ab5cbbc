import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { releaseNotes } from './notes.ts';
import { precompress } from './precompress.ts';

describe('the notes of a release', () => {
  const changelog =
    '# Changelog\n\n## [0.2.0] - unreleased\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-11-28\n\n- That.\n';

  it('are the section of its version alone', () => {
    expect(releaseNotes(changelog, '0.2.0')).toBe('### Added\n\n- This.\n');
    expect(releaseNotes(changelog, '0.1.0')).toBe('- That.\n');
  });

  it('are refused for a version that the changelog does not have', () => {
    expect(() => releaseNotes(changelog, '0.3.0')).toThrow('0.3.0');
    expect(() => releaseNotes('## [0.3.0]\n\n', '0.3.0')).toThrow('0.3.0');
  });

  it('exist for the version of package.json', () => {
    expect(releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), packageJson.version)).not.toBe('');
  });
});

describe('precompressed files', () => {
  const script = new TextEncoder().encode('export const one = 1;\n'.repeat(50));

  it('hold what the file beside them holds', () => {
    const compressed = precompress(new Map([['assets/a.js', script]]));
    expect([...compressed.keys()]).toEqual(['assets/a.js.br', 'assets/a.js.gz']);
    expect(new Uint8Array(brotliDecompressSync(compressed.get('assets/a.js.br') ?? new Uint8Array()))).toEqual(script);
    expect(new Uint8Array(gunzipSync(compressed.get('assets/a.js.gz') ?? new Uint8Array()))).toEqual(script);
  });

  it('are not made of weights, of files that change under the same name, or where nothing is gained', () => {
    const site = new Map([
      ['assets/model.onnx_data', script],
      ['index.html', script],
      ['embed-client.js', script],
      ['assets/tiny.js', new Uint8Array([1, 2, 3])],
    ]);
    expect([...precompress(site).keys()]).toEqual([]);
  });
});
