import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { contentSecurityPolicy, securityHeaders } from './tools/serve/headers.ts';

/** The policy in the page itself, for hosts that set no headers. Only in builds: the development server needs inline styles. */
const policyInPage: Plugin = {
  name: 'policy-in-page',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy },
      injectTo: 'head-prepend',
    },
  ],
};

export default defineConfig({
  base: './',
  plugins: [svelte(), policyInPage],
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
