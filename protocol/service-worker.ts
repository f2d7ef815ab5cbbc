/** Messages from the page to its service worker. */
export type ToServiceWorker =
  /** The page has opened. Files of older versions may be deleted, unless another page runs one of these. */
  | 'page-opened'
  /** The person wants the version that is waiting to replace this one. */
  | 'take-over';
