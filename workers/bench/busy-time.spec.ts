import { describe, expect, it } from 'vitest';
import { BusyTime } from './busy-time.ts';

describe('BusyTime', () => {
  it('takes long gaps for work and short ones for waiting', () => {
    let clock = 0;
    const asked: (() => void)[] = [];
    const time = new BusyTime(
      (callback) => asked.push(callback),
      () => clock,
    );
    const pass = (ms: number) => {
      clock += ms;
      asked.shift()?.();
    };
    time.start();
    pass(3);
    for (let i = 0; i < 100; i++) pass(0.05);
    pass(2);
    clock += 1;
    expect(time.stop()).toBeCloseTo(6);
    // Tasks of an earlier measurement do not count in the next one.
    time.start();
    pass(5);
    expect(asked).toHaveLength(1);
    pass(1);
    expect(time.stop()).toBeCloseTo(6);
  });
});
