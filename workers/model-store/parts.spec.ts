import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Part, PartRecord, partsOf } from './parts.ts';
import type { Plan } from './plan.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 100 }));

const ENTRY_BYTES = 40;
const hash = 'ab'.repeat(31) + '0f';
const planOf = (sizes: Record<string, number>) =>
  ({ files: Object.entries(sizes).map(([path, size]) => ({ path, size })) }) as Plan;

describe('partsOf', () => {
  it('cuts each file into parts of PART_BYTES, the last of what is left', () => {
    const parts = partsOf(planOf({ a: 250, b: 100, c: 0, d: 101 }));
    expect(parts.map(({ file: { path }, ...part }) => ({ path, ...part }))).toEqual([
      { path: 'a', index: 0, number: 0, offset: 0, length: 100 },
      { path: 'a', index: 1, number: 1, offset: 100, length: 100 },
      { path: 'a', index: 2, number: 2, offset: 200, length: 50 },
      { path: 'b', index: 0, number: 3, offset: 0, length: 100 },
      { path: 'c', index: 0, number: 4, offset: 0, length: 0 },
      { path: 'd', index: 0, number: 5, offset: 0, length: 100 },
      { path: 'd', index: 1, number: 6, offset: 100, length: 1 },
    ]);
  });
});

describe('PartRecord', () => {
  let parts: Part[];
  let stored: Uint8Array;
  const file = {
    write: (bytes: Uint8Array, { at }: { at: number }) => {
      const grown = new Uint8Array(Math.max(stored.length, at + bytes.length));
      grown.set(stored);
      grown.set(bytes, at);
      stored = grown;
      return bytes.length;
    },
  };
  const part = (number: number): Part => parts[number] as Part;

  beforeEach(() => {
    parts = partsOf(planOf({ a: 250, b: 10 }));
    stored = new Uint8Array();
  });

  it('begins with everything missing, and an entry for each part on the disk', () => {
    const record = new PartRecord(parts, new Uint8Array(), file);
    expect(parts.map((each) => record.state(each))).toEqual(Array(4).fill('missing'));
    expect(record).toMatchObject({ complete: false, present: 0 });
    expect(stored).toEqual(new Uint8Array(4 * ENTRY_BYTES));
  });

  it('keeps states and hashes on the disk, each in its own entry', () => {
    const record = new PartRecord(parts, new Uint8Array(), file);
    record.set(part(1), 'downloaded', hash);
    record.set(part(3), 'verified', hash);
    const again = new PartRecord(parts, stored, file);
    for (const each of [record, again]) {
      expect(parts.map((p) => each.state(p))).toEqual(['missing', 'downloaded', 'missing', 'verified']);
      expect([each.hash(part(1)), each.hash(part(3)), each.hash(part(0))]).toEqual([hash, hash, '00'.repeat(32)]);
      expect(each).toMatchObject({ complete: false, present: 110 });
    }
    expect(stored).toHaveLength(4 * ENTRY_BYTES);
    // Entries are laid out as the record of an earlier version: state, bytes begun, hash.
    expect([...stored.subarray(ENTRY_BYTES, ENTRY_BYTES + 9)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0xab]);
    expect(stored[3 * ENTRY_BYTES]).toBe(2);
  });

  it('is complete once every part is verified', () => {
    const record = new PartRecord(parts, new Uint8Array());
    for (const each of parts) record.set(each, 'verified', hash);
    expect(record).toMatchObject({ complete: true, present: 260 });
    record.set(part(0), 'downloaded', hash);
    expect(record).toMatchObject({ complete: false, present: 260 });
    record.set(part(0), 'missing');
    expect(record).toMatchObject({ complete: false, present: 160 });
    expect(record.hash(part(0))).toBe('00'.repeat(32));
  });

  it('remembers how much of a missing part is there, but no more than the part has', () => {
    const record = new PartRecord(parts, new Uint8Array(), file);
    record.setPartialBytes(part(2), 30);
    record.setPartialBytes(part(1), 70_000);
    const again = new PartRecord(parts, stored);
    expect(parts.map((each) => again.partialBytes(each))).toEqual([0, 100, 30, 0]);
    expect(again.state(part(2))).toBe('missing');
    record.set(part(2), 'verified', hash);
    expect(record.partialBytes(part(2))).toBe(0);
  });

  it('forgets a record of another length', () => {
    const record = new PartRecord(parts, new Uint8Array(3 * ENTRY_BYTES).fill(2), file);
    expect(record.present).toBe(0);
    expect(stored).toEqual(new Uint8Array(4 * ENTRY_BYTES));
  });

  it('writes nothing where it only reads, and nothing while what is stored fits', () => {
    const write = vi.fn(() => 0);
    new PartRecord(parts, new Uint8Array(4 * ENTRY_BYTES), { write });
    expect(write).not.toHaveBeenCalled();
    new PartRecord(parts, new Uint8Array()).set(part(0), 'verified', hash);
  });

  it('takes an unknown state for missing', () => {
    const bytes = new Uint8Array(4 * ENTRY_BYTES);
    bytes[0] = 9;
    expect(new PartRecord(parts, bytes).state(part(0))).toBe('missing');
  });
});
