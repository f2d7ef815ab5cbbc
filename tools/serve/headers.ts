import { HUB_ORIGIN } from '../../protocol/hub-models.ts';
import { isolationHeaders } from '../../protocol/isolation.ts';

/** Origins of model files besides this site and the hub: own mirrors, named when the site is built. */
export const modelOrigins: readonly string[] = (process.env['FOURNIL_MODEL_ORIGINS'] ?? '')
  .split(/\s+/)
  .filter(Boolean)
  .map((origin) => new URL(origin).origin);

/** The hub and its file servers, to which it redirects. */
const hub = [HUB_ORIGIN, 'https://*.huggingface.co', 'https://*.hf.co'];

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

/**
 * Pages that have an origin may frame this one: at `?embed` the person is asked about it (docs/users/embed.md),
 * elsewhere the page shows a way to the app and nothing to press (src/embed/page-mode.ts). A policy in the page itself
 * cannot say so.
 */
const frameAncestors = "frame-ancestors 'self' http: https:";

export const securityHeaders = {
  'Content-Security-Policy': `${contentSecurityPolicy}; ${frameAncestors}`,
  // A host that is cross-origin isolated may frame only pages that allow it.
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  ...isolationHeaders,
};
