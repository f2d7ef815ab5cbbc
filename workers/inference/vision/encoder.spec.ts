/** When the vision encoder's session is opened and released, and which features are kept. */
import { expect, it, vi } from 'vitest';
import type { EncoderSession } from '../backend-interface/encoder-session.ts';
import { VisionEncoder } from './encoder.ts';

const pixels = new Float32Array(12);
/** A session that counts the pictures. */
function countingSession() {
  let pictures = 0;
  return {
    run: vi.fn(() => Promise.resolve(Float32Array.of(++pictures))),
    release: vi.fn(() => Promise.resolve()),
  } satisfies EncoderSession;
}

it('opens one session, and keeps the features of each picture', async () => {
  const session = countingSession();
  const create = vi.fn(() => Promise.resolve(session));
  const encoder = new VisionEncoder(create);
  expect(create).not.toHaveBeenCalled();
  void encoder.open();
  expect(await encoder.encode('a', pixels)).toEqual(Float32Array.of(1));
  expect(session.run).toHaveBeenCalledWith(pixels);
  expect(encoder.cachedFeatures('a')).toEqual(Float32Array.of(1));
  expect(encoder.cachedFeatures('b')).toBeUndefined();
  await encoder.encode('b', pixels);
  expect(create).toHaveBeenCalledOnce();
  expect(session.run).toHaveBeenCalledTimes(2);
});

it('drops the features that were used longest ago', async () => {
  const encoder = new VisionEncoder(() => Promise.resolve(countingSession()));
  for (let i = 0; i < 32; i++) await encoder.encode(`${i}`, pixels);
  expect(encoder.cachedFeatures('0')).toEqual(Float32Array.of(1));
  await encoder.encode('one more', pixels);
  expect(encoder.cachedFeatures('0')).toEqual(Float32Array.of(1));
  expect(encoder.cachedFeatures('1')).toBeUndefined();
  expect(encoder.cachedFeatures('2')).toEqual(Float32Array.of(3));
  expect(encoder.cachedFeatures('one more')).toEqual(Float32Array.of(33));
});

it('rejects a picture with the failure to open, and tries again with the next', async () => {
  const create = vi.fn<() => Promise<EncoderSession>>();
  create.mockRejectedValueOnce(new Error('the line broke'));
  create.mockResolvedValue(countingSession());
  const encoder = new VisionEncoder(create);
  await expect(encoder.encode('a', pixels)).rejects.toThrow('the line broke');
  expect(encoder.cachedFeatures('a')).toBeUndefined();
  await encoder.encode('a', pixels);
  expect(create).toHaveBeenCalledTimes(2);
});

it('encodes no picture where the self-test fails', async () => {
  const session = countingSession();
  const selfTest = vi.fn(() => Promise.reject(new Error('wrong')));
  const encoder = new VisionEncoder(() => Promise.resolve(session), selfTest);
  await expect(encoder.encode('a', pixels)).rejects.toThrow('wrong');
  expect(session.run).not.toHaveBeenCalled();
});

it('releases a session that is still being opened', async () => {
  const session = countingSession();
  let opened = (_: EncoderSession): void => undefined;
  const encoder = new VisionEncoder(() => new Promise((resolve) => (opened = resolve)));
  void encoder.open();
  const disposed = encoder.dispose();
  opened(session);
  await disposed;
  expect(session.release).toHaveBeenCalledOnce();
});

it('releases nothing where no session was opened', async () => {
  const failing = new VisionEncoder(() => Promise.reject(new Error('never')));
  await failing.dispose();
  await expect(failing.open()).rejects.toThrow('never');
  await failing.dispose();
});
