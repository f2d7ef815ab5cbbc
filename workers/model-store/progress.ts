/** @file Progress of a job, reported often enough to be seen moving and seldom enough to cost nothing. */
import type { StoreProgress, Waiting } from '../../protocol/store.ts';

const REPORT_INTERVAL_MS = 150;

/** Collects progress and reports it at most every REPORT_INTERVAL_MS, but changes of phase at once. */
export class Progress {
  private readonly state: StoreProgress;
  private reportedAt = -Infinity;

  /**
   * @param start the model, the first phase, and the bytes in all.
   * @param onProgress receives reports.
   */
  constructor(
    start: Pick<StoreProgress, 'key' | 'id' | 'phase' | 'total'>,
    private readonly onProgress: (progress: StoreProgress) => void,
  ) {
    this.state = { ...start, done: 0, received: 0 };
  }

  /**
   * Notes bytes that came from the source.
   * @param bytes how many came.
   * @param done bytes that are done in all.
   */
  addReceived(bytes: number, done: number): void {
    this.state.received += bytes;
    delete this.state.waiting;
    this.update(done);
  }

  /** @param done bytes that are done in all. */
  update(done: number): void {
    this.state.done = done;
    if (performance.now() - this.reportedAt >= REPORT_INTERVAL_MS) this.report();
  }

  /** Begins another phase. Waits of the old one are over. */
  setPhase(phase: StoreProgress['phase']): void {
    this.state.phase = phase;
    delete this.state.waiting;
    this.report();
  }

  /** Reports why nothing comes. The next bytes end the wait. */
  setWaiting(waiting: Waiting): void {
    this.state.waiting = waiting;
    this.report();
  }

  /** Reports at once. */
  report(): void {
    this.reportedAt = performance.now();
    this.onProgress({ ...this.state });
  }
}
