/** How far a job has come, told often enough to be seen moving and seldom enough to cost nothing. */
import type { StoreProgress, Waiting } from '../../protocol/store.ts';

const EVERY_MS = 150;

export class Progress {
  private readonly now: StoreProgress;
  private toldAt = -Infinity;

  constructor(
    start: Pick<StoreProgress, 'key' | 'id' | 'phase' | 'total'>,
    private readonly tell: (progress: StoreProgress) => void,
  ) {
    this.now = { ...start, done: 0, received: 0 };
  }

  /** Bytes came from the source. */
  received(bytes: number, done: number): void {
    this.now.received += bytes;
    delete this.now.waiting;
    this.at(done);
  }

  at(done: number): void {
    this.now.done = done;
    if (performance.now() - this.toldAt >= EVERY_MS) this.report();
  }

  phase(phase: StoreProgress['phase']): void {
    this.now.phase = phase;
    delete this.now.waiting;
    this.report();
  }

  waiting(waiting: Waiting): void {
    this.now.waiting = waiting;
    this.report();
  }

  report(): void {
    this.toldAt = performance.now();
    this.tell({ ...this.now });
  }
}
