import { describe, expect, it } from 'vitest';
import type { Attachment } from '../../conversations/records.ts';
import { documentText, toContent } from './attachment-parts.ts';

const document = (name: string, text: string): Attachment => ({
  id: name,
  kind: 'document',
  name,
  text,
  blob: new Blob(),
});
const picture: Attachment = { id: 'p', kind: 'picture', name: 'p.png', blob: new Blob(['p']) };

describe('toContent', () => {
  it('is the words alone where there is nothing else', () => {
    expect(toContent('Hello', [])).toBe('Hello');
  });

  it('puts pictures first, then documents, then the words, as one text', () => {
    expect(toContent('Compare them.', [document('a.txt', 'A'), picture, document('b.txt', 'B')])).toEqual([
      { type: 'image', image: picture.blob },
      { type: 'text', text: 'a.txt\n```\nA\n```\n\nb.txt\n```\nB\n```\n\nCompare them.' },
    ]);
    expect(toContent('', [picture])).toEqual([{ type: 'image', image: picture.blob }]);
    expect(toContent('', [document('a.txt', 'A')])).toBe('a.txt\n```\nA\n```');
  });
});

describe('documentText', () => {
  it('fences a text with more ticks than it has', () => {
    const text = 'Some\n````md\n```js\n```\n````\n';
    expect(documentText('notes.md', text)).toBe(`notes.md\n\`\`\`\`\`\n${text}\n\`\`\`\`\``);
  });

  it('keeps the name on one line, and from opening a fence', () => {
    expect(documentText('a\nb```.txt', '')).toBe('a b .txt\n```\n\n```');
  });
});
