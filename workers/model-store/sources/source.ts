/** Where bytes come from. The hub, a mirror and a USB stick differ only in this. */
import type { Waiting } from '../../../protocol/store.ts';
import type { PlannedFile } from '../plan.ts';

export interface ByteSource {
  /** False once the source was seen to send whole files where a range was asked: it is then read from end to end. */
  readonly ranges: boolean;
  /** Wrong bytes are asked for again where another answer may be had. */
  readonly tries: number;
  /** The file's bytes from `offset` on, `length` of them unless the source breaks off. @throws SourceFailure */
  read(file: PlannedFile, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * `gone`: asking again is of no use. `unsatisfiable`: there are no such bytes, the file is another one or cut short.
 * The others pass, sooner or later.
 */
export type FailureKind = Exclude<Waiting['reason'], 'other-tab'> | 'gone' | 'unsatisfiable' | 'refused';

export class SourceFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    /** How long the server asked to be left alone, ms. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}
