/**
 * The message that is being written: text and files. Files are read as soon as they are added. One that cannot be used
 * is refused with a reason, and the rest of the draft stays.
 */
import type { Attachment, StoredDraft } from '../../conversations/records.ts';
import { DraftFile } from './draft-file.svelte.ts';
import { readFile } from './read-file.ts';
import { type Refusal, Refused } from './refusal.ts';

/** The content of a message. */
export interface DraftContent {
  text: string;
  attachments: Attachment[];
}

export class Draft {
  /** Called when the text or the files change. */
  onchange: (() => void) | null = null;
  private ownText = $state('');
  private ownFiles = $state.raw<readonly DraftFile[]>([]);
  refusals = $state.raw<readonly Refusal[]>([]);

  get text(): string {
    return this.ownText;
  }
  set text(text: string) {
    this.ownText = text;
    this.onchange?.();
  }

  get files(): readonly DraftFile[] {
    return this.ownFiles;
  }
  private set files(files: readonly DraftFile[]) {
    this.ownFiles = files;
    this.onchange?.();
  }

  /** The attachments that would be sent now. */
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

  /** Resolves once all files have been read or refused. */
  async addFiles(files: Iterable<File>): Promise<void> {
    this.refusals = [];
    await this.add(Array.from(files, (file) => ({ file, entry: new DraftFile(file.name, file) })));
  }

  /** Restores a stored draft. Resolves once its files have been read or refused. */
  async reopen({ text, files }: StoredDraft): Promise<void> {
    this.text = text;
    await this.add(
      files.map(({ id, name, blob }) => {
        const file = new File([blob], name, { type: blob.type });
        return { file, entry: new DraftFile(name, file, id) };
      }),
    );
  }

  refuse(refusal: Refusal): void {
    this.refusals = [...this.refusals, refusal];
  }

  remove(id: string): void {
    this.files.find((file) => file.id === id)?.stop();
    this.files = this.files.filter((file) => file.id !== id);
  }

  /** Takes the content out and clears the draft. */
  take(): DraftContent {
    const written = { text: this.text.trim(), attachments: this.attachments };
    this.clear();
    return written;
  }

  /** Puts a message back, before the present content. */
  restore({ text, attachments }: DraftContent): void {
    this.text = [text, this.text].filter((each) => each !== '').join('\n\n');
    this.files = [...attachments.map((each) => DraftFile.fromAttachment(each)), ...this.files];
  }

  clear(): void {
    this.text = '';
    for (const file of this.files) file.stop();
    this.files = [];
    this.refusals = [];
  }

  private async add(added: readonly { file: File; entry: DraftFile }[]): Promise<void> {
    this.files = [...this.files, ...added.map(({ entry }) => entry)];
    // One after the other, since a decoded picture takes much memory.
    for (const { file, entry } of added) await this.read(file, entry);
  }

  private async read(file: File, entry: DraftFile): Promise<void> {
    const { signal } = entry.abortController;
    // The file was removed while others were read.
    if (signal.aborted) return;
    try {
      entry.content = await readFile(file, signal);
      // The file was removed while it was read.
      if (signal.aborted) entry.stop();
    } catch (cause) {
      if (signal.aborted) return;
      this.remove(entry.id);
      this.refuse(cause instanceof Refused ? cause.refusal : { key: 'composer.unreadable', name: file.name });
    }
  }
}
