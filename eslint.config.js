import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

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
  {
    files: ['e2e/**'],
    rules: {
      'no-restricted-properties': ['error', { property: 'waitForTimeout', message: 'Wait for an event instead.' }],
    },
  },
  {
    // .dependency-cruiser.mjs says which folder may import which, but does not see the type-only imports of components.
    files: ['src/**/*.svelte'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '(^|/)\\.\\./(.*/)?(workers|tools|e2e)/' }] }],
    },
  },
);
