/**
 * Takes base64 out of JSON before it is parsed: long strings that look like base64 or data URLs stay in the file, and
 * the JSON gets a short placeholder for each. The rest is small enough to be parsed at once.
 */
import { newId } from '../new-id.ts';
import { ImportError } from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';

/** Shorter strings are not extracted. */
const LONG = 2 ** 14;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes that occur in base64 and in the prefix of a data URL. */
const PLAIN = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=:;,.-_')
  PLAIN[character.charCodeAt(0)] = 1;

export class ExtractedStrings {
  private readonly extracted: Blob[] = [];
  /** Random, so that no file can contain a forged placeholder. */
  private readonly placeholder = `${newId()}:`;

  private constructor(private readonly file: Blob) {}

  /** @throws ImportError `too-large`, `unreadable` */
  static async read(file: Blob): Promise<{ text: string; strings: ExtractedStrings }> {
    const strings = new ExtractedStrings(file);
    return { text: await strings.scan(), strings };
  }

  /** The original string as a Blob; an extracted one is a slice of the file. */
  blobOf(value: string): Blob {
    const found = value.startsWith(this.placeholder)
      ? this.extracted[Number(value.slice(this.placeholder.length))]
      : undefined;
    return found ?? new Blob([value]);
  }

  private async scan(): Promise<string> {
    const { file, placeholder } = this;
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let text = '';
    const copy = async (from: number, to: number): Promise<void> => {
      text += decoder.decode(await file.slice(from, to).arrayBuffer(), { stream: true });
      if (text.length > IMPORT_LIMITS.json) throw new ImportError('too-large');
    };
    let at = 0;
    let copied = 0;
    /** Offset of the present string, after its quote; -1 outside of strings. */
    let string = -1;
    let plain = false;
    let escaped = false;
    try {
      for await (const bytes of chunks(file)) {
        for (let i = 0; i < bytes.length; i++) {
          const byte = bytes[i] as number;
          if (string < 0) {
            if (byte !== QUOTE) continue;
            string = at + i + 1;
            plain = true;
          } else if (escaped) escaped = false;
          else if (byte === BACKSLASH) {
            escaped = true;
            plain = false;
          } else if (byte === QUOTE) {
            const end = at + i;
            if (plain && end - string > LONG) {
              await copy(copied, string);
              text += placeholder + this.extracted.length;
              this.extracted.push(file.slice(string, end));
              copied = end;
            }
            string = -1;
          } else if (PLAIN[byte] === 0) plain = false;
        }
        at += bytes.length;
        // Fails early if text that cannot be extracted any more exceeds the limit.
        if (at - copied > IMPORT_LIMITS.json && (string < 0 || !plain)) throw new ImportError('too-large');
      }
      await copy(copied, file.size);
      return text + decoder.decode();
    } catch (cause) {
      throw cause instanceof ImportError ? cause : new ImportError('unreadable', String(cause));
    }
  }
}

async function* chunks(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
