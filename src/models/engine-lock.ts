/**
 * Allows one large model over all tabs: a Web Lock is held while one is loaded. Another tab can request it, and the
 * holder releases it once no answer is being made.
 */

const NAME = 'fournil-engine';

export class EngineLock {
  /** Called when another tab requests the lock that this tab holds. */
  onRequested: () => void = () => undefined;
  private releaseLock: (() => void) | null = null;
  private pending: Promise<boolean> | null = null;
  private readonly channel = new BroadcastChannel(NAME);

  constructor() {
    this.channel.onmessage = () => this.releaseLock && this.onRequested();
  }

  /** Takes the lock if it is free. @returns whether this tab holds it */
  take(): Promise<boolean> {
    return this.request({ ifAvailable: true });
  }

  /** Requests the lock from the tab that holds it, and waits. Rejects when `signal` is aborted. */
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
    // A request that is pending may already get the lock for this tab.
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
