/**
 * @file Measures how long a thread is busy. It posts itself one task after another: a gap between two is work of others,
 * unless it is no longer than posting takes. The polling keeps a core awake, so nothing else is timed meanwhile.
 */

/** Gaps up to this length, in ms, are the polling's own: it takes some hundredths of a millisecond. */
const IDLE_GAP_MS = 0.2;

/** A stopwatch for a thread's work. */
export class BusyTime {
  private busy = 0;
  private last = 0;
  private run = 0;

  /**
   * @param whenFree runs a callback as a task of its own, when the thread has nothing else to do.
   * @param now the time in ms.
   */
  constructor(
    private readonly whenFree: (callback: () => void) => void,
    private readonly now: () => number,
  ) {}

  /** Begins a measurement. An earlier one that was not stopped is dropped. */
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

  /**
   * Ends the measurement.
   * @returns busy time since `start`, in ms.
   */
  stop(): number {
    this.add();
    this.run++;
    return this.busy;
  }
}
