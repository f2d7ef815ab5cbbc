import { expect, it } from 'vitest';
import { BUNDLE_FILE_BYTES, PART_BYTES } from './sizes.ts';

it('keeps the part size of manifests that are in use', () => {
  expect(PART_BYTES).toBe(67_108_864);
});

it('cuts bundles into whole parts, below what FAT32 and 32-bit offsets can hold', () => {
  expect(BUNDLE_FILE_BYTES).toBe(29 * 67_108_864);
  expect(BUNDLE_FILE_BYTES).toBeLessThan(2 ** 31);
});
