/** @file Serves the built site to all browser tests, as `npm start` does, but on a free port. */
import { preview } from 'vite';

/**
 * Playwright's global setup. The workers, which start after it, find the address in `FOURNIL_SITE`.
 * @returns the teardown, which stops the server
 */
export default async function serveSite(): Promise<() => Promise<void>> {
  const server = await preview({ logLevel: 'warn', preview: { host: '127.0.0.1', port: 0 } });
  const address = server.httpServer.address();
  if (!address || typeof address === 'string') throw new Error('the preview server has no port');
  process.env['FOURNIL_SITE'] = `http://127.0.0.1:${address.port}/`;
  return () => server.close();
}
