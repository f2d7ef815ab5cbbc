import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from './decode-text.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
function utf16(text: string, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), littleEndian);
  return bytes;
}

describe('decodeText', () => {
  const french = 'Élève ; « naïve » 1 €\nligne deux';

  it('reads UTF-8, UTF-16 and Latin-1, with a mark of the encoding or without', () => {
    expect(decodeText(utf8(french))).toBe(french);
    expect(decodeText(utf8(`\ufeff${french}`))).toBe(french);
    for (const littleEndian of [true, false])
      for (const mark of ['\ufeff', '']) expect(decodeText(utf16(mark + french, littleEndian))).toBe(french);
    expect(decodeText(Uint8Array.of(0xc9, 0x6c, 0xe8, 0x76, 0x65))).toBe('Élève');
  });

  it('reads any text that is UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        // eslint-disable-next-line no-control-regex
        fc.pre(!/[\x00-\x1f\ufeff]/.test(text));
        expect(decodeText(utf8(text))).toBe(text);
      }),
    );
  });

  it('ends lines in one way', () => {
    expect(decodeText(utf8('a\r\nb\rc\nd'))).toBe('a\nb\nc\nd');
  });

  it('takes nothing that is no text', () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13);
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 6, 0, 8, 0, 0, 0, 0x21, 0);
    const elf = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0);
    for (const bytes of [png, zip, elf]) expect(decodeText(bytes)).toBeNull();
    // Cut in the middle of a character.
    expect(decodeText(Uint8Array.of(0xff, 0xfe, 0x41))).toBeNull();
  });

  it('reads an empty file', () => {
    expect(decodeText(new Uint8Array())).toBe('');
  });
});
