/**
 * How long a thread was busy: it is asked again and again whether it is free, and what lies between two answers is work,
 * unless it is no longer than asking takes. Asking keeps a core awake, so nothing else is timed meanwhile.
 */

/** ms; asking takes some hundredths. */
const IDLE_GAP_MS = 0.2;

export class BusyTime {
  private busy = 0;
  private last = 0;
  private run = 0;

  /** @param whenFree calls back when the thread has nothing else to do. */
  constructor(
    private readonly whenFree: (callback: () => void) => void,
    private readonly now: () => number,
  ) {}

  start(): void {
    this.busy = 0;
    this.last = this.now();
    this.schedule(++this.run);
  }

  private schedule(run: number): void {
    this.whenFree(() => {
      if (run !== this.run) return;
      this.add();
      this.schedule(run);
    });
  }

  private add(): void {
    const now = this.now();
    if (now - this.last > IDLE_GAP_MS) this.busy += now - this.last;
    this.last = now;
  }

  /** ms since `start`. */
  stop(): number {
    this.add();
    this.run++;
    return this.busy;
  }
}
