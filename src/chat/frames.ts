/** Gathers text and shows it once a frame: tokens may come faster than the screen. */
export class Frames {
  private text = '';
  private scheduled = 0;

  constructor(private readonly show: (text: string) => void) {}

  push(text: string): void {
    this.text += text;
    this.scheduled ||= requestAnimationFrame(() => this.flush());
  }

  flush(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (this.text) this.show(this.text);
    this.text = '';
  }
}
