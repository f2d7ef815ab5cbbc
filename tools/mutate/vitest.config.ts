/**
 * The project's own Vitest configuration, cut down for mutation testing: no browser, which every mutant would start anew,
 * and only the specs of the folders that are mutated. A mutant has to be noticed where its code is.
 */
import { defineConfig } from 'vitest/config';
import config from '../../vite.config.ts';

const { test, ...rest } = config;

export default defineConfig({
  ...rest,
  test: {
    ...(test?.testTimeout ? { testTimeout: test.testTimeout } : {}),
    include: ['{workers/model-store,src/conversations,workers/inference/{cache,sampling,onnx},protocol}/**/*.spec.ts'],
    exclude: ['**/*.browser.spec.ts'],
  },
});
