/** Failures of a mirror that a person can act on. */
import { sentence as systemSentence } from '../export/failure.ts';

/** Why a model cannot be mirrored, as a sentence. */
export class MirrorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MirrorError';
  }
}

export const sentence = (cause: unknown): string =>
  cause instanceof MirrorError ? cause.message : systemSentence(cause);
