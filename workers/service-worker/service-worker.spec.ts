import { describe, expect, it } from 'vitest';
import { cacheKeyOf } from './cache-key.ts';
import { withIsolationHeaders } from './isolation-headers.ts';
import { isUsedBy } from './onnxruntime-builds.ts';

describe('cacheKeyOf', () => {
  const scope = 'https://example.org/fournil/';
  const keys = new Map([
    [`${scope}index.html`, `${scope}index.html?__WB_REVISION__=1`],
    [`${scope}models/built-in/config.json`, `${scope}models/built-in/config.json?__WB_REVISION__=2`],
    [`${scope}assets/index-new.js`, `${scope}assets/index-new.js`],
  ]);
  const keyOf = (path: string, more: Partial<Record<'method' | 'mode' | 'range', string>> = {}) =>
    cacheKeyOf(
      {
        url: new URL(path, scope).href,
        method: more.method ?? 'GET',
        mode: (more.mode ?? 'cors') as RequestMode,
        headers: new Headers(more.range ? { Range: more.range } : {}),
      },
      scope,
      keys,
    )?.slice(scope.length);

  it('opens the page, however it was linked to', () => {
    for (const path of ['', 'index.html', '?utm_source=mail', '?a#b', 'index.html#b'])
      expect(keyOf(path, { mode: 'navigate' }), path).toBe('index.html?__WB_REVISION__=1');
  });

  it('knows the files of this version, and those in assets/ of an older one', () => {
    expect(keyOf('models/built-in/config.json')).toBe('models/built-in/config.json?__WB_REVISION__=2');
    expect(keyOf('assets/index-new.js')).toBe('assets/index-new.js');
    expect(keyOf('assets/markdown-old.js')).toBe('assets/markdown-old.js');
  });

  it('leaves everything else alone', () => {
    for (const path of ['models/gemma/onnx/weights', '/other/assets/a.js', 'https://huggingface.co/x/resolve/main/y'])
      expect(keyOf(path), path).toBeUndefined();
    for (const path of ['models/', '/', '/other/index.html'])
      expect(keyOf(path, { mode: 'navigate' }), path).toBeUndefined();
    expect(keyOf('models/built-in/config.json', { range: 'bytes=0-9' })).toBeUndefined();
    expect(keyOf('index.html', { method: 'HEAD' })).toBeUndefined();
  });
});

describe('isUsedBy', () => {
  const files = [
    'assets/index-Dx.js',
    'assets/worker-Bx.js',
    'assets/ort.jspi.bundle.min-Dx.js',
    'assets/ort.wasm.bundle.min-Cx.js',
    'assets/ort.webgpu.bundle.min-Dx.js',
    'assets/ort-wasm-simd-threaded-Dx.wasm',
    'assets/ort-wasm-simd-threaded.asyncify-Dx.wasm',
    'assets/ort-wasm-simd-threaded.jspi-Cx.wasm',
  ];
  const missing = (browser: object) => files.filter((url) => !isUsedBy(browser, url));

  it('leaves out the WebGPU build that the browser does not run', () => {
    expect(missing({ Suspending: null })).toEqual([
      'assets/ort.webgpu.bundle.min-Dx.js',
      'assets/ort-wasm-simd-threaded.asyncify-Dx.wasm',
    ]);
    expect(missing({})).toEqual(['assets/ort.jspi.bundle.min-Dx.js', 'assets/ort-wasm-simd-threaded.jspi-Cx.wasm']);
  });
});

describe('withIsolationHeaders', () => {
  const embedder = (destination: string, response: Response) =>
    withIsolationHeaders(destination, response).headers.get('Cross-Origin-Embedder-Policy');

  it('gives documents and workers the headers, and keeps what they had', async () => {
    const page = withIsolationHeaders(
      'document',
      new Response('<html>', { headers: { 'Content-Type': 'text/html', ETag: '1' } }),
    );
    expect(Object.fromEntries(page.headers)).toEqual({
      'content-type': 'text/html',
      etag: '1',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    expect(await page.text()).toBe('<html>');
    expect(embedder('worker', new Response(''))).toBe('require-corp');
  });

  it('leaves other files and failures as they are', () => {
    expect(embedder('script', new Response(''))).toBeNull();
    expect(embedder('document', Response.error())).toBeNull();
  });
});
