/** @file Failures of a mirror that a person can act on. */
import { describeFailure as systemSentence } from '../export/failure.ts';

/** The message is a sentence that says why a model cannot be mirrored. */
export class MirrorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MirrorError';
  }
}

export const sentence = (cause: unknown): string =>
  cause instanceof MirrorError ? cause.message : systemSentence(cause);
