/** What the page says to its service worker. */
export type ToServiceWorker =
  /** The page has opened: what only older versions needed may go, if no other page runs one of them. */
  | 'page-opened'
  /** The person wants the version that waits. */
  | 'take-over';
