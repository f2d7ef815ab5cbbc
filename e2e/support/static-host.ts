/** @file A static host as most are: the site in a sub-folder, no headers but the cache's, and it can go offline. */
import { join } from 'node:path';
import { sendFile } from '../../tools/serve/files.ts';
import { type RunningServer, startServer } from '../../tools/serve/server.ts';

const BASE = '/fournil/';

export class StaticHost {
  /** Paths of the files that were sent whole, once for each time. */
  readonly sent: string[] = [];
  private port = 0;
  private server: RunningServer | undefined;

  constructor(public folder: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}${BASE}`;
  }

  /** Starts, and after a stop starts again at the same address. */
  async start(): Promise<void> {
    this.server = await startServer(
      {
        [BASE]: async (request, response, path) => {
          const name = path || 'index.html';
          const headers = { 'Cache-Control': 'max-age=600' };
          if (await sendFile(join(this.folder, name), request, response, { headers })) this.sent.push(name);
        },
      },
      { port: this.port },
    );
    this.port = this.server.port;
  }

  async stop(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
  }
}
