/** @file The changelog as a file of the site, which the preferences link to. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

export const changelog: Plugin = {
  name: 'changelog',
  apply: 'build',
  buildStart() {
    // Browsers show plain text of any host, where Markdown would be downloaded; the byte order mark tells the encoding.
    this.emitFile({
      type: 'asset',
      fileName: 'changelog.txt',
      source: `\ufeff${readFileSync('CHANGELOG.md', 'utf8')}`,
    });
  },
};
