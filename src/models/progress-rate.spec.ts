import { describe, expect, it } from 'vitest';
import { observe, rateOf, type Sample, secondsLeft } from './progress-rate.ts';

/** Samples every 100 ms of what `bytesAt` says. */
const watch = (ms: number, bytesAt: (ms: number) => number): Sample[] => {
  let samples: Sample[] = [];
  for (let at = 0; at <= ms; at += 100) samples = observe(samples, { at, bytes: bytesAt(at) });
  return samples;
};

describe('progress rate', () => {
  it('is that of the last five seconds', () => {
    expect(rateOf(watch(4000, (ms) => ms * 2))).toBe(2000);
    const samples = watch(30_000, (ms) => (ms < 20_000 ? ms : 20_000 + (ms - 20_000) * 3));
    expect(rateOf(samples)).toBe(3000);
    expect(samples.length).toBeLessThan(60);
  });

  it('falls to nothing where nothing comes', () => {
    expect(rateOf(watch(20_000, (ms) => Math.min(ms, 5000)))).toBe(0);
    expect(secondsLeft(10, 0)).toBeNull();
  });

  it('is not told of too little', () => {
    expect(rateOf([])).toBeNull();
    expect(rateOf(watch(300, (ms) => ms))).toBeNull();
    expect(secondsLeft(10, null)).toBeNull();
    expect(secondsLeft(10, 5)).toBe(2);
  });

  it('begins anew with another run', () => {
    expect(
      observe(
        watch(4000, (ms) => ms),
        { at: 4100, bytes: 0 },
      ),
    ).toEqual([{ at: 4100, bytes: 0 }]);
  });
});
