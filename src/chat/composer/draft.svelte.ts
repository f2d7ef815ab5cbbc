/**
 * The message that is being written: its words and its files. A file is there from the moment it is added; it is read at
 * once, and goes with the message when it has been. What cannot be taken is said, and nothing else is lost by it.
 */
import type { Attachment } from '../../conversations/records.ts';
import { newId } from '../../new-id.ts';
import { checkPicture } from './read-picture.ts';
import { type Refusal, Refused } from './refusal.ts';

/** A file that was added. */
export class DraftFile {
  readonly id = newId();
  /** What goes with the message; null while the file is read. */
  attachments = $state.raw<readonly Attachment[] | null>(null);

  constructor(
    readonly name: string,
    readonly blob: Blob,
  ) {}
}

/** What a message is made of. */
export interface Written {
  text: string;
  attachments: Attachment[];
}

export class Draft {
  text = $state('');
  files = $state.raw<readonly DraftFile[]>([]);
  refusals = $state.raw<readonly Refusal[]>([]);

  /** What would go with the message now. */
  get attachments(): Attachment[] {
    return this.files.flatMap((file) => file.attachments ?? []);
  }

  /** A file is still being read. */
  get reading(): boolean {
    return this.files.some((file) => file.attachments === null);
  }

  get empty(): boolean {
    return this.text.trim() === '' && this.files.length === 0;
  }

  /** Resolves once all have been read, or refused. */
  async addFiles(files: Iterable<File>): Promise<void> {
    this.refusals = [];
    const added = Array.from(files, (file) => ({ file, entry: new DraftFile(file.name, file) }));
    this.files = [...this.files, ...added.map(({ entry }) => entry)];
    // One after the other: a picture takes much memory while it is looked at.
    for (const { file, entry } of added) if (this.files.includes(entry)) await this.read(file, entry);
  }

  refuse(refusal: Refusal): void {
    this.refusals = [...this.refusals, refusal];
  }

  remove(id: string): void {
    this.files = this.files.filter((file) => file.id !== id);
  }

  /** What was written; the draft is empty then. */
  take(): Written {
    const written = { text: this.text.trim(), attachments: this.attachments };
    this.clear();
    return written;
  }

  /** Puts a message back, before what is being written. */
  giveBack({ text, attachments }: Written): void {
    this.text = [text, this.text].filter((each) => each !== '').join('\n\n');
    const files = attachments.map((attachment) => {
      const file = new DraftFile(attachment.name, attachment.blob);
      file.attachments = [attachment];
      return file;
    });
    this.files = [...files, ...this.files];
  }

  clear(): void {
    this.text = '';
    this.files = [];
    this.refusals = [];
  }

  private async read(file: File, entry: DraftFile): Promise<void> {
    try {
      await checkPicture(file);
      entry.attachments = [{ id: entry.id, kind: 'picture', name: file.name, blob: file }];
    } catch (cause) {
      if (!(cause instanceof Refused)) throw cause;
      this.remove(entry.id);
      this.refuse(cause.refusal);
    }
  }
}
