/** @file The `Range` header of HTTP (RFC 9110, 14.2). */

export interface ByteRange {
  start: number;
  /** First byte after the range. */
  end: number;
}

/**
 * @param header one range of bytes, such as `bytes=0-99`, `bytes=100-` or `bytes=-100`
 * @returns null where the header is missing or not understood; 'unsatisfiable' where the file ends before the range
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return null;
  const range =
    first === ''
      ? { start: Math.max(0, size - Number(last)), end: size }
      : { start: Number(first), end: last === '' ? size : Math.min(size, Number(last) + 1) };
  return range.start < range.end ? range : 'unsatisfiable';
}
