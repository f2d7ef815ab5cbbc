/** @file Another site, at another origin, whose page embeds the built site in a frame. */
import { isolationHeaders } from '../../protocol/isolation.ts';
import { sendFile } from '../../tools/serve/files.ts';
import { type RunningServer, startServer } from '../../tools/serve/server.ts';

export interface EmbeddingOptions {
  /** URL of the frame. */
  src: string;
  /** Whether the host is cross-origin isolated. */
  isolated?: boolean;
  /** HTML of the rest of the page. */
  html?: string;
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

export class EmbeddingHost {
  private page: EmbeddingOptions = { src: '' };
  private server: RunningServer | undefined;

  /** @param name under `127.0.0.1` the host is of one site with what it embeds, under `localhost` it is not */
  constructor(private readonly name: 'localhost' | '127.0.0.1' = 'localhost') {}

  async start(): Promise<void> {
    const headers = () => ({ 'Cache-Control': 'no-store', ...(this.page.isolated ? isolationHeaders : {}) });
    this.server = await startServer(
      {
        '/': (_request, response, path) => {
          if (path === '') response.writeHead(200, { ...headers(), 'Content-Type': 'text/html' }).end(this.html());
          else response.writeHead(404).end();
        },
        '/embed-client.js': async (request, response) => {
          await sendFile('dist/embed-client.js', request, response, { headers: headers() });
        },
      },
      { host: this.name },
    );
  }

  async stop(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
  }

  get origin(): string {
    return this.server?.origin ?? '';
  }

  show(page: EmbeddingOptions): void {
    this.page = page;
  }

  /** The page's scripts find messages from the frame in `heard`, in order, and the client in `fournil`. */
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
