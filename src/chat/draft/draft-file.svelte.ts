/** A file of the draft. It is listed at once, read in the background, and sent once it has been read. */
import type { Attachment } from '../../conversations/records.ts';
import { newId } from '../../conversations/new-id.ts';
import type { FileContent } from './read-file.ts';

export class DraftFile {
  /** Null while the file is read. */
  content = $state.raw<FileContent | null>(null);
  /** Aborted when the file is removed. */
  readonly abortController = new AbortController();

  constructor(
    readonly name: string,
    readonly blob: Blob,
    readonly id = newId(),
  ) {}

  /** Makes a draft file of an attachment that was sent and is taken back. */
  static fromAttachment({ id, kind, name, blob, text = '' }: Attachment): DraftFile {
    const file = new DraftFile(name, blob, id);
    file.content = kind === 'picture' ? { kind } : { kind: 'text', text };
    return file;
  }

  /** The attachments to send; null while they are not ready. */
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
