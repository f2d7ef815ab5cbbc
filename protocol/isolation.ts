/** Under these headers a page may use threads. Sent by our servers, and by the service worker for hosts that send none. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;
