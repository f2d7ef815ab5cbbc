/**
 * One large model over all tabs: a lock is held while one is loaded. A tab that wants it asks the holder, who gives it
 * up when it is not answering.
 */

const NAME = 'fournil-engine';

export class EngineLock {
  /** Called where another tab wants to open a large model, and this one has one open. */
  onRequested: () => void = () => undefined;
  private releaseLock: (() => void) | null = null;
  private pending: Promise<boolean> | null = null;
  private readonly channel = new BroadcastChannel(NAME);

  constructor() {
    this.channel.onmessage = () => this.releaseLock && this.onRequested();
  }

  /** Whether it is ours now. */
  take(): Promise<boolean> {
    return this.request({ ifAvailable: true });
  }

  /** Asks the tab that has it, and waits. Rejects when `signal` is aborted. */
  takeOver(signal: AbortSignal): Promise<boolean> {
    const got = this.request({ signal });
    this.channel.postMessage('wanted');
    return got;
  }

  release(): void {
    this.releaseLock?.();
    this.releaseLock = null;
  }

  private async request(options: LockOptions): Promise<boolean> {
    // What another call is about to get is ours too.
    while (this.pending) await this.pending.catch(() => false);
    if (this.releaseLock) return true;
    this.pending = new Promise((resolve, reject) => {
      const onGranted = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock && new Promise<void>((done) => (this.releaseLock = done));
      };
      navigator.locks.request(NAME, options, onGranted).catch(reject);
    });
    try {
      return await this.pending;
    } finally {
      this.pending = null;
    }
  }
}
