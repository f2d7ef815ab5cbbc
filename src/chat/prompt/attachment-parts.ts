/** What the model is told of a message: its pictures, then its documents, then its words. */
import type { ContentPart } from '../../../protocol/engine.ts';
import type { Attachment } from '../../conversations/records.ts';

/** A fence that nothing in the text can close. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  return '`'.repeat(longest + 1);
}

/** A document's name, on a line of its own that opens no fence, and its text. */
export function documentText(name: string, text: string): string {
  const fence = fenceFor(text);
  return [name.replace(/[\s`]+/g, ' '), fence, text, fence].join('\n');
}

/** All that is text is one part: chat templates put parts after each other with nothing between. */
export function toContent(text: string, attachments: readonly Attachment[]): string | ContentPart[] {
  const pictures = attachments.filter(({ kind }) => kind === 'picture');
  const documents = attachments.filter(({ kind }) => kind === 'document');
  const words = [...documents.map((each) => documentText(each.name, each.text ?? '')), text]
    .filter(Boolean)
    .join('\n\n');
  if (pictures.length === 0) return words;
  const parts = pictures.map(({ blob }): ContentPart => ({ type: 'image', image: blob }));
  return words ? [...parts, { type: 'text', text: words }] : parts;
}
