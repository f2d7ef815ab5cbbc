/** Decodes a file to text, in any of the usual encodings, and recognises files that are not text. */

/** Control characters that no text contains: all but tab, line ends, form feed and escape (in logs). */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

function decodeAs(encoding: string, bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return CONTROL.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** UTF-16 without a byte order mark: line ends, spaces and Latin letters have a zero in every other byte. */
function guessUtf16(bytes: Uint8Array): string | null {
  if (bytes.length % 2 !== 0) return null;
  const zeros = [0, 0];
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (even === odd) return null;
  return decodeAs(odd > even ? 'utf-16le' : 'utf-16be', bytes);
}

const hasMark = (bytes: Uint8Array, ...mark: number[]) => mark.every((byte, i) => bytes[i] === byte);

/** @returns the text with \n line ends and without a byte order mark; null if it is not text */
export function decodeText(bytes: Uint8Array): string | null {
  let text: string | null;
  if (hasMark(bytes, 0xff, 0xfe)) text = decodeAs('utf-16le', bytes);
  else if (hasMark(bytes, 0xfe, 0xff)) text = decodeAs('utf-16be', bytes);
  // Windows-1252 accepts any bytes, so it is tried last.
  else text = decodeAs('utf-8', bytes) ?? guessUtf16(bytes) ?? decodeAs('windows-1252', bytes);
  return text?.replace(/\r\n?/g, '\n') ?? null;
}
