/** @file The hub's CDN: signed URLs, each valid for one file and for some time. */
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { allowFiles } from './cors.ts';
import type { Exchange } from './exchange.ts';
import type { LargeFile } from './repository.ts';
import { sendFile } from './send.ts';

export const CDN_PATH = '/xet-bridge-us/';

/** @returns a validator that is none of the hashes that a client knows. */
export const xetHash = (sha256: string): string => createHash('sha256').update(`xet ${sha256}`).digest('hex');

export interface CdnOptions {
  /** How long a signed URL is valid, ms. */
  urlLifetime: number;
  /** Whether a page can read the 403 of an expired URL; otherwise it sees a network error. */
  expiredReadable: boolean;
}

export class Cdn {
  private readonly signed = new Map<string, { repo: string; file: LargeFile; expires: number }>();
  private readonly underWay = new Set<ServerResponse>();

  constructor(private readonly options: CdnOptions) {}

  sign(origin: string, repo: string, file: LargeFile): string {
    const signature = randomBytes(32).toString('hex');
    const expires = Date.now() + this.options.urlLifetime;
    this.signed.set(signature, { repo, file, expires });
    const url = new URL(`${CDN_PATH}${file.lfs.sha256}`, origin);
    url.searchParams.set('response-content-disposition', `inline; filename="${file.path.split('/').pop() ?? ''}"`);
    url.searchParams.set('expires', String(Math.ceil(expires / 1000)));
    url.searchParams.set('sig', signature);
    return url.href;
  }

  /** Expires all URLs signed so far, and breaks the answers to them that are under way. */
  expireAll(): void {
    for (const url of this.signed.values()) url.expires = 0;
    for (const response of this.underWay) response.destroy();
  }

  async answer(exchange: Exchange): Promise<void> {
    const { response, record, url } = exchange;
    const known = this.signed.get(url.searchParams.get('sig') ?? '');
    record.kind = 'cdn';
    if (known) Object.assign(record, { repo: known.repo, path: known.file.path });
    if (!known || known.expires <= Date.now()) {
      if (this.options.expiredReadable) allowFiles(response);
      const what = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
      exchange.answer(403, `<?xml version="1.0" encoding="UTF-8"?>\n${what}`, { 'Content-Type': 'application/xml' });
      return;
    }
    allowFiles(response);
    if (exchange.refused()) return;
    this.underWay.add(response);
    response.on('close', () => this.underWay.delete(response));
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Cache-Control', 'public, max-age=31536000');
    await sendFile(exchange, known.file.content, `"${xetHash(known.file.lfs.sha256)}"`);
  }
}
