import { isolationHeaders } from '../../protocol/isolation.ts';

/** Where model files may come from besides this site and the hub: mirrors of one's own, named when the site is built. */
export const modelOrigins: readonly string[] = (process.env['FOURNIL_MODEL_ORIGINS'] ?? '')
  .split(/\s+/)
  .filter(Boolean)
  .map((origin) => new URL(origin).origin);

/** The hub answers with redirects to its file servers. */
const hub = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/**
 * The content-security policy, in one place: sent by our servers, and repeated in index.html for hosts that set none.
 * `wasm-unsafe-eval` compiles onnxruntime's WebAssembly; `blob:` pictures are the person's own; only models come from
 * elsewhere.
 */
export const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  ["connect-src 'self' blob:", ...hub, ...modelOrigins].join(' '),
  "worker-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export const securityHeaders = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  ...isolationHeaders,
};
