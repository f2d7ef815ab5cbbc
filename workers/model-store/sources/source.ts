/** @file Sources of bytes. The hub, a mirror and a USB stick differ only in this. */
import type { Waiting } from '../../../protocol/store.ts';
import type { PlannedFile } from '../plan.ts';

/** A source that a model's files can be read from. */
export interface ByteSource {
  /** False once the source has answered a request for a range with the whole file. Files are then read in one go. */
  readonly ranges: boolean;
  /** How often bytes are asked for when they are wrong; 1 where another answer cannot be had. */
  readonly tries: number;
  /**
   * Reads a file from `offset` on: `length` bytes, or fewer where the source breaks off.
   * @throws SourceFailure
   */
  read(file: PlannedFile, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Kind of a failure. `gone` and `refused` (by the page's own policy) are final. `unsatisfiable` means that there are no such
 * bytes: the file is another one or cut short. The other kinds pass sooner or later.
 */
export type FailureKind = Exclude<Waiting['reason'], 'other-tab'> | 'gone' | 'unsatisfiable' | 'refused';

/** A source did not give what it was asked for. */
export class SourceFailure extends Error {
  /**
   * @param kind decides what is done about it.
   * @param message the technical cause.
   * @param retryAfter delay in ms that the server asked for, or null.
   */
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}
