/** In a page that is not seen there are no frames, and the browser may end it: what came is handed on as often, ms. */
const UNSEEN = 1000;

/** Gathers text and shows it once a frame: tokens may come faster than the screen. */
export class Frames {
  private text = '';
  private scheduled = 0;
  private unseen: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly show: (text: string) => void) {}

  push(text: string): void {
    this.text += text;
    this.scheduled ||= requestAnimationFrame(() => this.flush());
    this.unseen ??= setTimeout(() => this.flush(), UNSEEN);
  }

  flush(): void {
    cancelAnimationFrame(this.scheduled);
    clearTimeout(this.unseen);
    this.scheduled = 0;
    this.unseen = undefined;
    if (this.text) this.show(this.text);
    this.text = '';
  }
}
