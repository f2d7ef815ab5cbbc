/** How far a job has come, told often enough to be seen moving and seldom enough to cost nothing. */
import type { StoreProgress, Waiting } from '../../protocol/store.ts';

const REPORT_INTERVAL_MS = 150;

export class Progress {
  private readonly state: StoreProgress;
  private reportedAt = -Infinity;

  constructor(
    start: Pick<StoreProgress, 'key' | 'id' | 'phase' | 'total'>,
    private readonly onProgress: (progress: StoreProgress) => void,
  ) {
    this.state = { ...start, done: 0, received: 0 };
  }

  /** Bytes came from the source. */
  addReceived(bytes: number, done: number): void {
    this.state.received += bytes;
    delete this.state.waiting;
    this.update(done);
  }

  update(done: number): void {
    this.state.done = done;
    if (performance.now() - this.reportedAt >= REPORT_INTERVAL_MS) this.report();
  }

  setPhase(phase: StoreProgress['phase']): void {
    this.state.phase = phase;
    delete this.state.waiting;
    this.report();
  }

  setWaiting(waiting: Waiting): void {
    this.state.waiting = waiting;
    this.report();
  }

  report(): void {
    this.reportedAt = performance.now();
    this.onProgress({ ...this.state });
  }
}
