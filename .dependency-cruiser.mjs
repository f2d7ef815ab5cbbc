/**
 * Which modules may import which (`npm run check`). Type-only imports count, except those of Svelte components, which
 * Svelte's compiler removes before dependency-cruiser sees them; ESLint holds the rule between top-level folders for these.
 */

const TESTS = '\\.spec\\.(ts|svelte\\.ts)$|/testing/';

/** Top-level folders say where their code runs; each may import the folders named here and itself. */
const TOP_LEVEL = {
  src: ['protocol'],
  workers: ['protocol'],
  protocol: [],
  tools: ['protocol'],
};
const ALL_TOP_LEVEL = ['src', 'workers', 'protocol', 'tools', 'e2e'];

/** Folders of workers/inference: each may import those after it. The files beside them may import them all. */
const INFERENCE_LAYERS = [
  'model',
  'prompt',
  'vision',
  'backends',
  'cache',
  'backend-interface',
  'onnx',
  'sampling',
  'math',
];

/** Folders of the page: each may import those after it. */
const SRC_LAYERS = [
  'bench',
  'embed',
  'your-data',
  'demo',
  'lessons',
  'conversation-list',
  'chat',
  'conversations',
  'models',
  'shortcuts',
  'settings',
  'offline',
  'ui',
  'i18n',
];

/** Folders of src/chat: components before the stores and services that they show. */
const CHAT_LAYERS = ['composer', 'context', 'settings', 'conversation', 'answer', 'draft', 'prompt'];

const betweenTopLevelFolders = Object.entries(TOP_LEVEL).map(([folder, allowed]) => ({
  name: `${folder}-imports-${allowed.join('-') || 'nothing'}`,
  comment: 'Top-level folders say where their code runs, and imports point one way (docs/architecture.md).',
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^(${ALL_TOP_LEVEL.filter((other) => other !== folder && !allowed.includes(other)).join('|')})/` },
}));

/** @param root the folder that is layered @param layers its folders, each of which may import those after it */
const downwards = (root, layers) =>
  layers.map((layer, i) => ({
    name: `${root.split('/').at(-1)}-${layer}-imports-downwards`,
    comment: `${root} is layered: ${layers.join(' → ')}.`,
    severity: 'error',
    from: { path: `^${root}/${layer}/`, pathNot: TESTS },
    to: { path: `^${root}/([^/]+\\.(ts|svelte)$|(${layers.slice(0, i).join('|') || '-'})/)` },
  }));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-file-cycles',
      comment: 'Files that import each other, directly or through others, cannot be understood one by one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...betweenTopLevelFolders,
    ...downwards('workers/inference', INFERENCE_LAYERS),
    ...downwards('src', SRC_LAYERS),
    ...downwards('src/chat', CHAT_LAYERS),
    {
      name: 'inference-backends-independent',
      comment: 'Backends share backends/*.ts and backends/gpu/, and do not know each other.',
      severity: 'error',
      from: { path: '^workers/inference/backends/(gpu|ort|wasm|webgpu)/', pathNot: TESTS },
      to: {
        path: '^workers/inference/backends/(ort|wasm|webgpu)/',
        pathNot: '^workers/inference/backends/$1/',
      },
    },
    {
      name: 'testing-for-tests-only',
      comment: 'Test helpers in testing/ are for specs.',
      severity: 'error',
      from: { path: '^(src|workers|protocol|tools)/', pathNot: TESTS },
      to: { path: '/testing/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.svelte', '.js', '.mjs', '.cjs', '.json'] },
  },
};
