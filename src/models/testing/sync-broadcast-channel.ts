/** For tests: a BroadcastChannel whose messages have arrived when `postMessage` returns. */
export class SyncBroadcastChannel extends EventTarget {
  private static readonly open = new Set<SyncBroadcastChannel>();
  onmessage: ((event: MessageEvent) => void) | null = null;

  /** Channels that a test left open would hear those of the next. */
  static closeAll(): void {
    this.open.clear();
  }

  constructor(readonly name: string) {
    super();
    SyncBroadcastChannel.open.add(this);
  }

  postMessage(message: unknown): void {
    for (const other of SyncBroadcastChannel.open) {
      if (other === this || other.name !== this.name) continue;
      const event = new MessageEvent('message', { data: structuredClone(message) });
      other.onmessage?.(event);
      other.dispatchEvent(event);
    }
  }

  close(): void {
    SyncBroadcastChannel.open.delete(this);
  }
}
