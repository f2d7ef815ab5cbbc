/**
 * @file Keeps the app on this device (docs/architecture.md, "The offline shell"). The page registers it once it
 * and its model have loaded. It caches nothing of other origins and no model but the built-in one.
 */
import { PrecacheController, type PrecacheEntry } from 'workbox-precaching';
import type { ToServiceWorker } from '../../protocol/service-worker.ts';
import { cacheKeyOf } from './cache-key.ts';
import { withIsolationHeaders } from './isolation-headers.ts';
import { isUsedBy } from './onnxruntime-builds.ts';

declare const self: ServiceWorkerGlobalScope;

const app = new PrecacheController({
  plugins: [
    {
      // The page has just fetched most files, so that they are revalidated and not downloaded again.
      requestWillFetch: ({ request }) =>
        Promise.resolve(request.cache === 'reload' ? new Request(request, { cache: 'no-cache' }) : request),
    },
  ],
});
const files = self.__WB_MANIFEST as PrecacheEntry[];
app.addToCacheList(files.filter(({ url }) => isUsedBy(WebAssembly, url)));

/** Deletes files of older versions, unless another page may run one: the server no longer has its lazy scripts. */
async function deleteOlderVersions(event: ExtendableEvent): Promise<void> {
  // A newer version that is being installed or waits keeps its files in the same cache.
  if (self.registration.installing || self.registration.waiting) return;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const pages = windows.filter(({ url }) => url.startsWith(self.registration.scope));
  if (pages.length === 1) await app.activate(event);
}

self.addEventListener('install', (event) => void app.install(event));
self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});
self.addEventListener('message', (event) => {
  const message = event.data as ToServiceWorker;
  if (message === 'take-over') event.waitUntil(self.skipWaiting());
  else event.waitUntil(deleteOlderVersions(event));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const cacheKey = cacheKeyOf(request, self.registration.scope, app.getURLsToCacheKeys());
  if (cacheKey === undefined) return;
  const response = app.strategy.handle({ event, request, params: { cacheKey } });
  event.respondWith(response.then((found) => withIsolationHeaders(request.destination, found)));
});
