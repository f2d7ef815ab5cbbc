/** A file that was added to a message. It is there at once, is read, and goes with the message when it has been. */
import type { Attachment } from '../../conversations/records.ts';
import { newId } from '../../conversations/new-id.ts';
import type { FileContent } from './read-file.ts';

export class DraftFile {
  /** Null while the file is read. */
  content = $state.raw<FileContent | null>(null);
  /** It was removed. */
  readonly abortController = new AbortController();

  constructor(
    readonly name: string,
    readonly blob: Blob,
    readonly id = newId(),
  ) {}

  /** One that was sent, and is taken back. */
  static fromAttachment({ id, kind, name, blob, text = '' }: Attachment): DraftFile {
    const file = new DraftFile(name, blob, id);
    file.content = kind === 'picture' ? { kind } : { kind: 'text', text };
    return file;
  }

  /** What goes with the message; null while it is not ready. */
  get attachments(): readonly Attachment[] | null {
    const { content, id, name, blob } = this;
    if (content === null) return null;
    if (content.kind === 'pdf') return content.attachments;
    if (content.kind === 'picture') return [{ id, kind: 'picture', name, blob }];
    return [{ id, kind: 'document', name, blob, text: content.text }];
  }

  stop(): void {
    this.abortController.abort();
    if (this.content?.kind === 'pdf') this.content.stop();
  }
}
