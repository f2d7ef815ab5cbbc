/** @file Failures that a person can act on, each as one sentence. */

/** Why an export cannot be made. */
export class ExportError extends Error {
  /**
   * @param message a sentence that names the file, tensor or option to look at.
   * @param options the cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExportError';
  }
}

interface SystemError {
  code: string;
  path?: string;
}

const isSystemError = (cause: unknown): cause is SystemError =>
  cause instanceof Error && typeof (cause as { code?: unknown }).code === 'string';

/**
 * Describes any failure to a person.
 * @param cause anything that was thrown.
 * @returns the sentence of an ExportError or of a common system error, else the cause's own message.
 */
export function describeFailure(cause: unknown): string {
  if (cause instanceof ExportError) return cause.message;
  if (isSystemError(cause)) {
    const where = cause.path ? ` (${cause.path})` : '';
    if (cause.code === 'ENOSPC') return `The disk is full: free some space, or choose another folder${where}.`;
    if (cause.code === 'EACCES' || cause.code === 'EPERM') return `Not allowed to read or write there${where}.`;
    if (cause.code === 'EROFS') return `The disk can only be read${where}.`;
    if (cause.code === 'ENOENT') return `There is no such file or folder${where}.`;
  }
  return cause instanceof Error ? cause.message : String(cause);
}
