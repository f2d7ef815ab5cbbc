/** Builds the content of a message for the engine: pictures, then documents, then text. */
import type { ContentPart } from '../../../protocol/engine.ts';
import type { Attachment } from '../../conversations/records.ts';

/** A code fence longer than any in the text, so that the text cannot close it. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  return '`'.repeat(longest + 1);
}

/** The document's name on a line of its own, without backticks, followed by its fenced text. */
export function documentText(name: string, text: string): string {
  const fence = fenceFor(text);
  return [name.replace(/[\s`]+/g, ' '), fence, text, fence].join('\n');
}

/** All text is one part, since chat templates join parts without a separator. */
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
