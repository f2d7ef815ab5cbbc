/** No cycles between folders. Specs and their helpers are left out: they stand beside what they test, and may use anything. */
import config from './.dependency-cruiser.mjs';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-folder-cycles',
      comment: 'Folders that import each other are one folder (docs/architecture.md).',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(src|workers/inference)(/|$)' },
      to: { circular: true },
    },
  ],
  options: { ...config.options, exclude: { path: ['\\.spec\\.(ts|svelte\\.ts)$', '/testing/'] } },
};
