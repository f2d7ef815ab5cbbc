import { describe, expect, it } from 'vitest';
import { alternate } from './rounds.ts';

const budget = { least: 2, most: 4, time: 100 };

async function run(msEach: number): Promise<string> {
  let clock = 0;
  let order = '';
  const measure = (engine: string) => {
    order += engine;
    clock += msEach;
    return Promise.resolve();
  };
  await alternate(['A', 'B'], budget, measure, () => clock);
  return order;
}

describe('alternate', () => {
  it('lets the engines take turns', async () => {
    expect(await run(1)).toBe('ABABABAB');
  });

  it('begins no round that would end too late', async () => {
    expect(await run(16)).toBe('ABABAB');
  });

  it('measures twice whatever it takes', async () => {
    expect(await run(1000)).toBe('ABAB');
  });
});
