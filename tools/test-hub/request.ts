/** @file The record of a request that the test hub got. */

export interface HubRequest {
  kind: 'api' | 'resolve' | 'cdn' | 'mirror' | 'other';
  method: string;
  host: string;
  /** The repository that a file belongs to; '' for anything else. */
  repo: string;
  /** A file's path in its repository or mirror; the URL's path for anything else. */
  path: string;
  range: string | null;
  /** 0 until it is answered. */
  status: number;
  /** Bytes of the file that were written to the connection so far. */
  bytes: number;
}
