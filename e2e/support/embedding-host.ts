/** Another site, at another origin, whose page embeds the built site in a frame. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isolationHeaders } from '../../protocol/isolation.ts';

export interface EmbeddingOptions {
  /** What the frame shows. */
  src: string;
  /** The host is cross-origin isolated. */
  isolated?: boolean;
  /** What else is on the page. */
  html?: string;
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

export class EmbeddingHost {
  private page: EmbeddingOptions = { src: '' };
  private readonly server = createServer((request, response) => {
    const headers = { 'Cache-Control': 'no-store', ...(this.page.isolated ? isolationHeaders : {}) };
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    if (pathname === '/embed-client.js') {
      const script = readFileSync('dist/embed-client.js');
      response.writeHead(200, { ...headers, 'Content-Type': 'text/javascript' }).end(script);
    } else if (pathname === '/') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(this.html());
    } else response.writeHead(404).end();
  });

  /** @param name under `127.0.0.1` it is of one site with what it embeds, under `localhost` it is not */
  constructor(private readonly name: 'localhost' | '127.0.0.1' = 'localhost') {}

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, this.name, done));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  get origin(): string {
    return `http://${this.name}:${(this.server.address() as AddressInfo).port}`;
  }

  show(page: EmbeddingOptions): void {
    this.page = page;
  }

  /** What is heard of the frame is in `heard`, in order; `fournil` is the client. */
  private html(): string {
    const { src, html = '' } = this.page;
    return `<!doctype html><html lang="en"><title>Host</title><main><h1>Host</h1>
      <iframe id="frame" title="Fournil" allow="cross-origin-isolated" width="600" height="420" src="${escape(src)}"></iframe>
      ${html}</main>
      <script type="module">
        import { connect } from './embed-client.js';
        window.heard = [];
        addEventListener('message', ({ data }) => heard.push(data));
        window.frame = document.getElementById('frame');
        window.fournil = connect(frame);
      </script></html>`;
  }
}
