import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { securityHeaders } from './tools/serve/headers.ts';

export default defineConfig({
  base: './',
  plugins: [svelte()],
  worker: { format: 'es' },
  // onnxruntime-web finds its .wasm beside itself; pre-bundling would move the script away from it.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { target: 'es2022', assetsInlineLimit: 0 },
  preview: { headers: securityHeaders },
  test: {
    include: ['{src,workers,protocol,tools}/**/*.spec.ts'],
    testTimeout: 60_000,
  },
});
