/** @file Plain web servers with a model folder each, at /mirror/NAME/. */
import { allowFiles } from './cors.ts';
import { type Exchange, matchPath } from './exchange.ts';
import type { RepoFiles } from './repository.ts';
import { sendFile } from './send.ts';

const FILE = /^\/mirror\/(?<name>[^/]+)\/(?<path>.+)$/;

export class Mirrors {
  private readonly folders = new Map<string, { files: RepoFiles; ranges: boolean; version: number }>();

  /** @param ranges whether the server supports ranges; without them it sends whole files only */
  add(name: string, files: RepoFiles, ranges: boolean): void {
    this.folders.set(name, { files, ranges, version: (this.folders.get(name)?.version ?? 0) + 1 });
  }

  /** @returns null for other URLs. */
  answer(exchange: Exchange): Promise<void> | null {
    const file = matchPath<'name' | 'path'>(FILE, exchange.url);
    return file ? this.answerFile(exchange, file.name, file.path) : null;
  }

  private async answerFile(exchange: Exchange, name: string, path: string): Promise<void> {
    const { response, record } = exchange;
    record.kind = 'mirror';
    record.path = path;
    allowFiles(response);
    if (exchange.refused()) return;
    const folder = this.folders.get(name);
    const content = folder?.files[path];
    if (!folder || !content) {
      exchange.answer(404, 'Not found');
      return;
    }
    response.setHeader('Content-Type', path.endsWith('.json') ? 'application/json' : 'application/octet-stream');
    await sendFile(exchange, content, `"${folder.version}-${content.size.toString(16)}"`, folder.ranges);
  }
}
