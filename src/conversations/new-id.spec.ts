import { afterEach, expect, it, vi } from 'vitest';
import { newId } from './new-id.ts';

afterEach(() => void vi.restoreAllMocks());

const withBytes = (bytes: readonly number[]) =>
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    (array as Uint8Array).set(bytes);
    return array;
  });

it('is a random UUID with the bits of version 4', () => {
  withBytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(newId()).toBe('00010203-0405-4607-8809-0a0b0c0d0e0f');
  withBytes(Array<number>(16).fill(255));
  expect(newId()).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
});

it('is another one each time', () => {
  expect(new Set(Array.from({ length: 100 }, newId)).size).toBe(100);
});
