/**
 * The message that is being written: its words and its files. A file is there from the moment it is added; it is read at
 * once, and goes with the message when it has been. What cannot be taken is said, and nothing else is lost by it.
 */
import type { Attachment, StoredDraft } from '../../conversations/records.ts';
import { DraftFile } from './draft-file.svelte.ts';
import { readFile } from './read-file.ts';
import { type Refusal, Refused } from './refusal.ts';

/** What a message is made of. */
export interface DraftContent {
  text: string;
  attachments: Attachment[];
}

export class Draft {
  /** Called when other words or files are in it. */
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
    await this.add(Array.from(files, (file) => ({ file, entry: new DraftFile(file.name, file) })));
  }

  /** What was written at an earlier visit. Resolves once its files have been read, or refused. */
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

  /** What was written; the draft is empty then. */
  take(): DraftContent {
    const written = { text: this.text.trim(), attachments: this.attachments };
    this.clear();
    return written;
  }

  /** Puts a message back, before what is being written. */
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
    // One after the other: a picture takes much memory while it is looked at.
    for (const { file, entry } of added) await this.read(file, entry);
  }

  private async read(file: File, entry: DraftFile): Promise<void> {
    const { signal } = entry.abortController;
    // It was removed while others were read.
    if (signal.aborted) return;
    try {
      entry.content = await readFile(file, signal);
      // What was removed meanwhile does nothing more.
      if (signal.aborted) entry.stop();
    } catch (cause) {
      if (signal.aborted) return;
      this.remove(entry.id);
      this.refuse(cause instanceof Refused ? cause.refusal : { key: 'composer.unreadable', name: file.name });
    }
  }
}
