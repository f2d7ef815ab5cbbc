import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** A folder says where its code runs; imports point one way (docs/architecture.md). */
const forbid = (...folders) => ({
  'no-restricted-imports': [
    'error',
    { patterns: folders.map((folder) => ({ regex: `(^|/)\\.\\./(.*/)?${folder}/` })) },
  ],
});

export default ts.config(
  { ignores: ['dist', 'release', 'reference', 'training', 'public', 'test-results', 'playwright-report', '.cache'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  { languageOptions: { globals: { ...globals.browser, ...globals.node, __VERSION__: 'readonly' } } },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  { rules: { '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }] } },
  { files: ['src/**'], rules: forbid('workers', 'tools', 'e2e') },
  { files: ['workers/**'], rules: forbid('src', 'tools', 'e2e') },
  { files: ['protocol/**'], rules: forbid('src', 'workers', 'tools', 'e2e') },
  { files: ['tools/**'], rules: forbid('src', 'workers', 'e2e') },
  {
    files: ['e2e/**'],
    rules: {
      'no-restricted-properties': ['error', { property: 'waitForTimeout', message: 'Wait for an event instead.' }],
    },
  },
);
