import { describe, expect, it } from 'vitest';
import { Offline } from './offline.svelte.ts';

const SCRIPT = new URL('https://example.org/service-worker.js');

class FakeWorker extends EventTarget {
  said: unknown[] = [];
  postMessage(message: unknown): void {
    this.said.push(message);
  }
}

class FakeRegistration extends EventTarget {
  installing: FakeWorker | null = null;
  waiting: FakeWorker | null = null;
  active: FakeWorker | null = null;

  install(worker: FakeWorker): void {
    this.installing = worker;
    this.dispatchEvent(new Event('updatefound'));
  }
  /** A service worker moves on, as the browser moves it. */
  move(worker: FakeWorker, to: 'waiting' | 'active'): void {
    if (to === 'waiting') this.installing = null;
    else this.waiting = null;
    this[to] = worker;
    worker.dispatchEvent(new Event('statechange'));
  }
}

function open(registration = new FakeRegistration()) {
  const reloads: string[] = [];
  const container = Object.assign(new EventTarget(), { register: () => Promise.resolve(registration) });
  const offline = new Offline(() => container as unknown as ServiceWorkerContainer, {
    reload: () => reloads.push('reload'),
  });
  return { offline, registration, container, reloads };
}

describe('the offline shell, on the page', () => {
  it('is stored once the first service worker is at work, which is no update', async () => {
    const { offline, registration } = open();
    const worker = new FakeWorker();
    registration.installing = worker;
    await offline.start(SCRIPT);
    expect(offline.stored).toBe(false);
    registration.move(worker, 'waiting');
    expect(offline.stored).toBe(false);
    registration.move(worker, 'active');
    expect(offline.stored).toBe(true);
    expect(offline.updateReady).toBe(false);
  });

  it('tells the service worker that a page has opened', async () => {
    const { offline, registration } = open();
    registration.active = new FakeWorker();
    await offline.start(SCRIPT);
    expect(registration.active.said).toEqual(['page-opened']);
    expect(offline.stored).toBe(true);
  });

  it('offers an update once it is whole, and reloads only when asked and when it has taken over', async () => {
    const { offline, registration, container, reloads } = open();
    registration.active = new FakeWorker();
    await offline.start(SCRIPT);
    const next = new FakeWorker();
    registration.install(next);
    expect(offline.updateReady).toBe(false);
    registration.move(next, 'waiting');
    expect(offline.updateReady).toBe(true);
    container.dispatchEvent(new Event('controllerchange'));
    expect(reloads).toEqual([]);
    offline.reload();
    expect(next.said).toEqual(['take-over']);
    expect(reloads).toEqual([]);
    container.dispatchEvent(new Event('controllerchange'));
    expect(reloads).toEqual(['reload']);
  });

  it('offers the update that was put off at the next visit, and one that another page let in', async () => {
    const { offline, registration, reloads } = open();
    registration.active = new FakeWorker();
    const waiting = (registration.waiting = new FakeWorker());
    await offline.start(SCRIPT);
    expect(offline.updateReady).toBe(true);
    registration.move(waiting, 'active');
    offline.reload();
    expect(reloads).toEqual(['reload']);
    offline.later();
    expect(offline.updateReady).toBe(false);
  });

  it('is quiet where service workers are refused', async () => {
    const refused = { register: () => Promise.reject(new DOMException('insecure', 'SecurityError')) };
    for (const container of [undefined, refused]) {
      const offline = new Offline(() => container as unknown as ServiceWorkerContainer, { reload: () => undefined });
      await offline.start(SCRIPT);
      expect(offline.stored).toBe(false);
    }
  });
});
