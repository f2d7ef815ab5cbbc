import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backoffDelay, delayOrOnline } from './backoff-policy.ts';
import type { FailureKind } from './sources/source.ts';

describe('backoffDelay', () => {
  const delays: [FailureKind, number[]][] = [
    ['network', [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
    ['server-busy', [5000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]],
    ['server-error', [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]],
    ['web-page', [5000, 10_000, 20_000, 30_000, 30_000]],
    ['gone', [1000, 2000, 4000]],
  ];
  for (const [kind, expected] of delays)
    it(`doubles up to a limit: ${kind}`, () => {
      expect(expected.map((_, i) => backoffDelay(kind, i + 1, null, 0.5))).toEqual(expected);
    });

  it('varies by a quarter in either direction', () => {
    expect(backoffDelay('network', 2, null, 0)).toBe(1500);
    expect(backoffDelay('network', 2, null, 1)).toBe(2500);
    const random = vi.spyOn(Math, 'random').mockReturnValue(1);
    expect(backoffDelay('network', 2, null)).toBe(2500);
    random.mockRestore();
  });

  it('never asks before the server allows it, and a little apart from the others it told the same', () => {
    expect(backoffDelay('server-busy', 1, 42_000, 0)).toBe(42_000 + 375);
    expect(backoffDelay('server-busy', 1, 42_000, 1)).toBe(42_000 + 625);
    expect(backoffDelay('server-busy', 1, 0, 0.5)).toBe(500);
  });
});

describe('delayOrOnline', () => {
  let events: EventTarget;
  let listeners: number;

  beforeEach(() => {
    vi.useFakeTimers();
    events = new EventTarget();
    listeners = 0;
    vi.stubGlobal('addEventListener', (type: string, listener: () => void) => {
      listeners++;
      events.addEventListener(type, listener);
    });
    vi.stubGlobal('removeEventListener', (type: string, listener: () => void) => {
      listeners--;
      events.removeEventListener(type, listener);
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const start = (signal = new AbortController().signal) => {
    const ended = vi.fn();
    const promise = delayOrOnline(1000, signal);
    void promise.then(ended, ended);
    return { ended, promise };
  };

  it('ends after the time', async () => {
    const { ended } = start();
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalledWith(undefined);
    expect(listeners).toBe(0);
  });

  it('ends when the network is back, and leaves no timer', async () => {
    const { promise } = start();
    events.dispatchEvent(new Event('online'));
    await promise;
    expect(vi.getTimerCount()).toBe(0);
    expect(listeners).toBe(0);
  });

  it('rejects with the signal’s reason, at once where it was aborted before', async () => {
    const stop = new AbortController();
    const { promise } = start(stop.signal);
    stop.abort('paused');
    await expect(promise).rejects.toBe('paused');
    await expect(start(stop.signal).promise).rejects.toBe('paused');
    expect(vi.getTimerCount()).toBe(0);
    expect(listeners).toBe(0);
  });

  it('stops listening to the signal', async () => {
    const stop = new AbortController();
    const remove = vi.spyOn(stop.signal, 'removeEventListener');
    const { promise } = start(stop.signal);
    await vi.advanceTimersByTimeAsync(1000);
    await promise;
    expect(remove).toHaveBeenCalledWith('abort', expect.any(Function));
  });
});
