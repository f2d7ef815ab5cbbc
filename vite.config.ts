import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { defineConfig } from 'vitest/config';
import packageJson from './package.json' with { type: 'json' };
import { isolationHeaders } from './protocol/isolation.ts';
import { chromiumArgs, findChromium } from './tools/browser/chromium.ts';
import { contentSecurityPolicy, modelOrigins, securityHeaders } from './tools/serve/headers.ts';
import { assembly } from './tools/vite-plugins/assembly.ts';
import { changelog } from './tools/vite-plugins/changelog.ts';
import { embedClient } from './tools/vite-plugins/embed-client.ts';
import { onDemandFolders } from './tools/vite-plugins/on-demand.ts';

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

/** What the service worker stores, which is everything but other models; of onnxruntime's builds it takes what it needs. */
const offlineShell = VitePWA({
  strategies: 'injectManifest',
  srcDir: 'workers/service-worker',
  filename: 'service-worker.ts',
  // src/offline registers it, and public/ holds the manifest.
  injectRegister: false,
  manifest: false,
  injectManifest: {
    rollupFormat: 'iife',
    globPatterns: [
      '**/*.{html,js,css,svg,png,webmanifest,wasm}',
      'changelog.txt',
      'assets/*.{onnx,onnx_data}',
      // What pdf.js may ask for.
      'assets/*.{pfb,ttf,bcmap}',
      'models/*.json',
      'models/built-in/**',
    ],
    // Who measures is online.
    globIgnores: ['bench.html', 'assets/bench-*'],
    maximumFileSizeToCacheInBytes: 64 * 2 ** 20,
  },
});

const executablePath = findChromium();
const launchOptions = { args: chromiumArgs, ...(executablePath ? { executablePath } : {}) };

export default defineConfig({
  base: './',
  plugins: [svelte(), assembly, policyInPage, embedClient, changelog, offlineShell],
  define: {
    __MODEL_ORIGINS__: JSON.stringify(modelOrigins),
    __VERSION__: JSON.stringify(packageJson.version),
  },
  worker: { format: 'es', plugins: () => [assembly] },
  // onnxruntime-web finds its .wasm beside itself; pre-bundling would move the script away from it.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: {
    ...{ target: 'es2022', assetsInlineLimit: 0 },
    rollupOptions: { input: { index: 'index.html', bench: 'bench.html' } },
  },
  preview: { headers: securityHeaders },
  test: {
    // On a busy machine everything may take long.
    testTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        plugins: [onDemandFolders],
        test: {
          name: 'node',
          include: ['{src,workers,protocol,tools}/**/*.spec.ts'],
          exclude: ['**/*.browser.spec.ts'],
        },
      },
      {
        // Components, and what needs a real browser's parsers or GPU.
        extends: true,
        // Memory is shared between threads, as in the app.
        server: { headers: isolationHeaders },
        test: {
          name: 'browser',
          include: ['{src,workers}/**/*.browser.spec.{ts,svelte.ts}'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
