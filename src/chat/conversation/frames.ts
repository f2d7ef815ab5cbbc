/** A hidden page has no animation frames and may be discarded, so text is passed on at this interval, ms. */
const UNSEEN = 1000;

/** Collects text and shows it once per animation frame, since tokens may come faster than frames. */
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
