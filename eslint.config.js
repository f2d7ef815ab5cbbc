import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import jsdoc from 'eslint-plugin-jsdoc';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** Exported functions; a method is documented where its interface is. */
const functions = [
  'ExportNamedDeclaration > FunctionDeclaration',
  'ExportNamedDeclaration > VariableDeclaration > VariableDeclarator > ArrowFunctionExpression',
];
const classes = 'ExportNamedDeclaration > ClassDeclaration';

/** Exported functions and classes say what they do, and what their parameters and results are. Types are TypeScript's. */
const documented = {
  plugins: { jsdoc },
  settings: { jsdoc: { mode: 'typescript' } },
  rules: {
    'jsdoc/require-jsdoc': [
      'error',
      {
        publicOnly: true,
        enableFixer: false,
        require: { ArrowFunctionExpression: true, ClassDeclaration: true, FunctionDeclaration: true },
      },
    ],
    'jsdoc/require-description': ['error', { contexts: [...functions, classes] }],
    'jsdoc/require-param': ['error', { contexts: functions, checkDestructured: false, enableFixer: false }],
    'jsdoc/require-param-description': ['error', { contexts: ['any'] }],
    'jsdoc/require-returns': ['error', { contexts: functions }],
    'jsdoc/require-returns-description': ['error', { contexts: ['any'] }],
    'jsdoc/check-param-names': ['error', { checkDestructured: false, disableMissingParamChecks: true }],
    'jsdoc/check-tag-names': 'error',
    'jsdoc/no-types': 'error',
  },
};

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
  {
    files: ['{workers,protocol,tools/export}/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/testing/**', 'workers/inference/backends/wasm/kernels/**'],
    ...documented,
  },
);
