/** @file Files compressed beforehand, which servers send as they are. */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Types that compress well and are large; weights do not compress. */
const COMPRESSIBLE = /^assets\/.*\.(js|mjs|css|wasm)$/;

/**
 * Compresses the scripts, styles and WebAssembly of the built site.
 *
 * @param site path relative to the site's root → content
 * @returns path with `.br` or `.gz` appended → compressed content, only where that is smaller
 */
export function precompress(site: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const compressed = new Map<string, Uint8Array>();
  for (const [path, content] of site) {
    if (!COMPRESSIBLE.test(path)) continue;
    const brotli = brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    });
    const gzip = gzipSync(content, { level: 9 });
    if (brotli.length < content.length) compressed.set(`${path}.br`, brotli);
    if (gzip.length < content.length) compressed.set(`${path}.gz`, gzip);
  }
  return compressed;
}
