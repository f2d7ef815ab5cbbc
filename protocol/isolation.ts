/**
 * Headers that make a page cross-origin isolated, so that its workers can share memory and run threads. Our servers send
 * them; for hosts that send none, the service worker adds them.
 */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;
