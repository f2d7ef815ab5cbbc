import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, expect, it, vi } from 'vitest';
import { type Part, PartRecord, partsOf } from './parts.ts';
import type { Plan } from './plan.ts';
import { WholeHash } from './whole-hash.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 5 * 1024 * 1024 }));
const PART_BYTES = 5 * 1024 * 1024;

let content: Uint8Array;
let parts: Part[];
let record: PartRecord;
let reads: { at: number; length: number }[];
const file = {
  read: (into: Uint8Array, { at = 0 } = {}) => {
    const some = content.subarray(at, at + into.length);
    into.set(some);
    reads.push({ at, length: some.length });
    return some.length;
  },
};
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = ({ offset, length }: Part) => content.slice(offset, offset + length);

beforeEach(() => {
  content = randomBytes(2 * PART_BYTES + 10);
  parts = partsOf({ files: [{ path: 'a', size: content.length }] } as Plan);
  record = new PartRecord(parts, new Uint8Array());
  reads = [];
});

it('hashes parts in order as they come, without reading what is in memory', async () => {
  const hash = await WholeHash.begin(parts, record, file);
  for (const [i, part] of parts.entries()) {
    record.set(part, 'downloaded');
    expect(hash.advance({ part, bytes: bytesOf(part) })).toBe(i < 2 ? null : sha256(content));
  }
  expect(reads).toEqual([]);
});

it('reads back parts that came out of order, in pieces of 4 MiB', async () => {
  const hash = await WholeHash.begin(parts, record, file);
  const [first, second, third] = parts as [Part, Part, Part];
  record.set(second, 'downloaded');
  expect(hash.advance({ part: second, bytes: bytesOf(second) })).toBeNull();
  record.set(first, 'verified');
  expect(hash.advance({ part: first, bytes: bytesOf(first) })).toBeNull();
  record.set(third, 'downloaded');
  expect(hash.advance()).toBe(sha256(content));
  const MIB = 1024 * 1024;
  expect(reads).toEqual([
    { at: PART_BYTES, length: 4 * MIB },
    { at: PART_BYTES + 4 * MIB, length: MIB },
    { at: 2 * PART_BYTES, length: 10 },
  ]);
});

it('gives another hash where the file is shorter than its record says', async () => {
  const whole = sha256(content);
  for (const part of parts) record.set(part, 'downloaded');
  content = content.slice(0, PART_BYTES + 3);
  const hash = (await WholeHash.begin(parts, record, file)).advance();
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(hash).not.toBe(whole);
});
