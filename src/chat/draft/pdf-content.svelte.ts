/**
 * A PDF in the draft: which of its pages are sent, and whether as text or as pictures. Pages are rendered when they are
 * first needed as pictures.
 */
import type { Attachment } from '../../conversations/records.ts';
import { newId } from '../../conversations/new-id.ts';

export type PdfForm = 'text' | 'pictures';

/** Default number of pages as pictures: each takes time to render, and much of the context. */
const FIRST_PICTURES = 8;

export class PdfContent {
  readonly kind = 'pdf';
  as = $state<PdfForm>('text');
  from = $state(1);
  to = $state(1);
  /** Rendering pages failed. */
  failed = $state(false);
  private drawn = $state.raw<Readonly<Record<number, Attachment>>>({});
  private drawing: AbortController | null = null;

  /** @param pages text of each page */
  constructor(
    private readonly file: File,
    private readonly pages: readonly string[],
  ) {
    this.to = pages.length;
    if (this.scanned) void this.choose('pictures');
  }

  get pageCount(): number {
    return this.pages.length;
  }

  /** No page contains text. */
  get scanned(): boolean {
    return this.pages.every((page) => page === '');
  }

  /** Number of chosen pages without text. */
  get textless(): number {
    return this.numbers.filter((number) => this.pages[number - 1] === '').length;
  }

  get numbers(): number[] {
    return Array.from({ length: this.to - this.from + 1 }, (_, i) => this.from + i);
  }

  /** Number of chosen pages that are rendered. */
  get drawnCount(): number {
    return this.numbers.filter((number) => number in this.drawn).length;
  }

  /** The attachments to send; null while pages are being rendered. */
  get attachments(): readonly Attachment[] | null {
    if (this.as === 'text') return [this.asDocument()];
    const pictures = this.numbers.flatMap((number) => this.drawn[number] ?? []);
    return pictures.length === this.numbers.length ? pictures : null;
  }

  async choose(as: PdfForm): Promise<void> {
    this.as = as;
    if (as === 'pictures') this.to = Math.min(this.to, this.from + FIRST_PICTURES - 1);
    await this.draw();
  }

  /** Numbers are clamped to the pages of the document. */
  async choosePages(from: number, to: number): Promise<void> {
    const within = (value: number) => Math.min(this.pageCount, Math.max(1, Math.round(value) || 1));
    this.from = within(from);
    this.to = Math.max(this.from, within(to));
    await this.draw();
  }

  /** Stops rendering, since the file was removed. */
  stop(): void {
    this.drawing?.abort();
  }

  private readonly id = newId();
  private asDocument(): Attachment {
    const { file: blob, from, to } = this;
    const text = this.pages.slice(from - 1, to).join('\n\n');
    return { id: this.id, kind: 'document', name: this.nameOf(from, to), blob, text };
  }

  /** "report.pdf, p. 3–7" reads well in both languages. */
  private nameOf(from: number, to: number): string {
    const { name } = this.file;
    if (from === 1 && to === this.pageCount && this.as === 'text') return name;
    return `${name}, p. ${from === to ? from : `${from}–${to}`}`;
  }

  private async draw(): Promise<void> {
    this.stop();
    this.failed = false;
    const missing = this.as === 'pictures' ? this.numbers.filter((number) => !(number in this.drawn)) : [];
    if (missing.length === 0) return;
    const controller = new AbortController();
    this.drawing = controller;
    try {
      const { drawPages } = await import('./pdf/draw-pdf.ts');
      await drawPages(this.file, missing, controller.signal, (number, blob) => {
        const picture: Attachment = { id: newId(), kind: 'picture', name: this.nameOf(number, number), blob };
        this.drawn = { ...this.drawn, [number]: picture };
      });
    } catch {
      if (!controller.signal.aborted) this.failed = true;
    }
  }
}
