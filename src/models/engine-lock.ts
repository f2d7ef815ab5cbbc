/**
 * One large model over all tabs: a lock is held while one is loaded. A tab that wants it asks the holder, who gives it
 * up when it is not answering.
 */

const NAME = 'fournil-engine';

export class EngineLock {
  /** Called where another tab wants to open a large model, and this one has one open. */
  onAsked: () => void = () => undefined;
  private giveBack: (() => void) | null = null;
  private asking: Promise<boolean> | null = null;
  private readonly channel = new BroadcastChannel(NAME);

  constructor() {
    this.channel.onmessage = () => this.giveBack && this.onAsked();
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
    this.giveBack?.();
    this.giveBack = null;
  }

  private async request(options: LockOptions): Promise<boolean> {
    // What another call is about to get is ours too.
    while (this.asking) await this.asking.catch(() => false);
    if (this.giveBack) return true;
    this.asking = new Promise((resolve, reject) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock && new Promise<void>((done) => (this.giveBack = done));
      };
      navigator.locks.request(NAME, options, held).catch(reject);
    });
    try {
      return await this.asking;
    } finally {
      this.asking = null;
    }
  }
}
