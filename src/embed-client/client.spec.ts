import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromFrame, ToFrame } from '../../protocol/embed.ts';
import { connect, type ConnectOptions, FournilError } from './client.ts';

const ORIGIN = 'https://fournil.example';
const finish = {
  reason: 'stop',
  usage: { promptTokens: 1, reusedTokens: 0, contextTokens: 9, generatedTokens: 2 },
  timing: { timeToFirstToken: 1, prefillRate: 1, decodeRate: 1 },
} as const;

let listeners: Set<(event: unknown) => void>;
beforeEach(() => {
  listeners = new Set();
  vi.stubGlobal('document', { baseURI: 'https://host.example/page' });
  vi.stubGlobal('addEventListener', (_type: string, listener: (event: unknown) => void) => listeners.add(listener));
  vi.stubGlobal('removeEventListener', (_type: string, listener: (event: unknown) => void) =>
    listeners.delete(listener),
  );
});

/** A host page with a frame, whose side the test speaks. */
function open(options: ConnectOptions = {}) {
  const sent: { message: ToFrame; to: string }[] = [];
  const contentWindow = {
    postMessage: (message: ToFrame, to: string) => sent.push({ message: structuredClone(message), to }),
  };
  const fournil = connect({ contentWindow, src: `${ORIGIN}/?embed` } as never, options);
  const say = (data: unknown, origin = ORIGIN, source: unknown = contentWindow) => {
    for (const listener of [...listeners]) listener({ source, origin, data });
  };
  const ready = () => say({ fournil: 1, event: 'ready' } satisfies FromFrame);
  const reply = (fields: object) => say({ fournil: 1, id: sent.at(-1)?.message.id, ...fields });
  return { fournil, sent, say, ready, reply };
}

describe('the client', () => {
  it('keeps what is asked until the frame is there', async () => {
    const { fournil, sent, ready, reply } = open();
    const model = fournil.load();
    // Only what anybody may read goes out before.
    expect(sent.map(({ message, to }) => [message.type, to])).toEqual([['status', '*']]);
    ready();
    expect(sent.slice(1).map(({ message, to }) => [message.type, to])).toEqual([['load', ORIGIN]]);
    reply({ result: { id: 'built-in' } });
    expect(await model).toEqual({ id: 'built-in' });
  });

  it('finds a frame that was there before', async () => {
    const { fournil, sent, reply } = open();
    void fournil.load();
    reply({ result: { permission: 'unasked' } });
    expect(sent.at(-1)?.message.type).toBe('load');
  });

  it('gives an answer as it is made, and whole', async () => {
    const { fournil, sent, ready, reply } = open();
    ready();
    const heard: string[] = [];
    const progress: unknown[] = [];
    const answer = fournil.generate([{ role: 'user', content: 'Hello' }], {
      maxNewTokens: 5,
      onDelta: (text) => heard.push(text),
      onProgress: (each) => progress.push(each),
    });
    expect(sent.at(-1)?.message).toMatchObject({ type: 'generate', options: { maxNewTokens: 5 } });
    reply({ progress: { stage: 'files', done: 1, total: 2 } });
    reply({ delta: 'Good ' });
    reply({ delta: 'day' });
    reply({ result: finish });
    expect(await answer).toEqual({ ...finish, text: 'Good day' });
    expect(heard).toEqual(['Good ', 'day']);
    expect(progress).toHaveLength(1);
  });

  it('asks to stop, and the frame says how that ended', async () => {
    const { fournil, sent, ready, say } = open();
    ready();
    const controller = new AbortController();
    const answer = fournil.generate([{ role: 'user', content: 'Hello' }], { signal: controller.signal });
    const asked = sent.at(-1)?.message.id;
    controller.abort();
    expect(sent.at(-1)?.message).toMatchObject({ type: 'stop', request: asked });
    say({ fournil: 1, id: asked, result: { ...finish, reason: 'aborted' } });
    expect((await answer).reason).toBe('aborted');
    await expect(fournil.load({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('gives errors with their codes and sentences', async () => {
    const { fournil, ready, reply } = open();
    ready();
    const counted = fournil.count([{ role: 'user', content: 'Hello' }]);
    reply({ error: { code: 'not-allowed', message: 'No.' } });
    await expect(counted).rejects.toEqual(new FournilError('not-allowed', 'No.'));
    const uncloneable = fournil.generate([{ role: 'user', content: (() => '') as never }]);
    await expect(uncloneable).rejects.toMatchObject({ code: 'bad-message' });
  });

  it('hears only the frame, from its origin', async () => {
    const { fournil, say, ready, reply } = open();
    let settled = false;
    const status = fournil.status().finally(() => (settled = true));
    say({ fournil: 1, event: 'ready' }, 'https://evil.example');
    say({ fournil: 1, event: 'ready' }, ORIGIN, {});
    for (const data of [null, 1, 'ready', { fournil: 2, event: 'ready' }]) say(data);
    await Promise.resolve();
    expect(settled).toBe(false);
    ready();
    reply({ result: 'right' });
    expect(await status).toBe('right');
  });

  it('tells of a frame that is silent, goes away, or is left', async () => {
    vi.useFakeTimers();
    const silent = open({ timeout: 1000 });
    const first = expect(silent.fournil.status()).rejects.toMatchObject({ code: 'frame-silent' });
    vi.advanceTimersByTime(1000);
    await first;
    vi.useRealTimers();
    const { fournil, ready } = open();
    ready();
    const second = expect(fournil.status()).rejects.toMatchObject({ code: 'frame-gone' });
    ready();
    await second;
    const third = expect(fournil.status()).rejects.toMatchObject({ code: 'frame-gone' });
    fournil.close();
    await third;
    await expect(fournil.status()).rejects.toMatchObject({ code: 'frame-gone' });
  });

  it('hears what the person decides', () => {
    const decided: string[] = [];
    const { say } = open({ onPermission: (permission) => decided.push(permission) });
    say({ fournil: 1, event: 'permission', permission: 'asked' });
    say({ fournil: 1, event: 'permission', permission: 'once' });
    expect(decided).toEqual(['asked', 'once']);
  });
});
