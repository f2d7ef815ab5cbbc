import { describe, expect, it } from 'vitest';
import type { DeviceReport } from '../../protocol/engine.ts';
import { CATALOGUE, type CatalogueEntry, needOf } from './catalogue.ts';
import { judge } from './verdict.ts';

const gpu = (limit = 2 ** 31): DeviceReport => ({
  webgpu: { adapter: 'apple metal-3', maxBufferSize: limit, maxStorageBufferBindingSize: limit },
});
const none: DeviceReport = { webgpu: null, reason: 'no-webgpu' };
const [small, medium, large] = CATALOGUE.map(needOf);
if (!small || !medium || !large) throw new Error('the catalogue has three models');

describe('judge', () => {
  it('says what fits', () => {
    for (const need of [small, medium, large])
      expect(judge(need, need.disk, { device: gpu(), deviceMemory: 16, free: 1e10 })).toEqual({
        tone: 'good',
        key: 'verdict.fits',
      });
  });

  it('names the room that is needed and the room there is; what is stored needs none', () => {
    const machine = { device: gpu(), free: 2.1e9 };
    expect(judge(large, 3.3e9, machine)).toEqual({
      tone: 'bad',
      key: 'verdict.noRoom',
      bytes: { needed: 3.3e9, free: 2.1e9 },
    });
    expect(judge(large, 0, machine).tone).toBe('good');
  });

  it('says that it will be slow without a GPU, and why; or that it cannot be', () => {
    expect(judge(small, 0, { device: none }).key).toBe('verdict.slow');
    expect(judge(small, 0, { device: { webgpu: null, reason: 'adapter-wrong' } }).key).toBe('verdict.slowWrong');
    expect(judge(large, 0, { device: none }).key).toBe('verdict.needsGpu');
  });

  it('knows GPUs whose buffers are too small for the embedding table', () => {
    expect(judge(large, 0, { device: gpu(2 ** 28) }).key).toBe('verdict.smallBuffers');
    expect(judge(medium, 0, { device: gpu(2 ** 28) }).tone).toBe('good');
    // The processor can.
    expect(judge(medium, 0, { device: gpu(2 ** 27) }).key).toBe('verdict.slowSmall');
    expect(judge(small, 0, { device: gpu(2 ** 27) }).tone).toBe('good');
  });

  it('warns where memory is short', () => {
    expect(judge(large, 0, { device: gpu(), deviceMemory: 4 }).key).toBe('verdict.muchMemory');
    expect(judge(large, 0, { device: gpu(), deviceMemory: 8 }).tone).toBe('good');
    expect(judge(medium, 0, { device: gpu(), deviceMemory: 4 }).tone).toBe('good');
  });
});

describe('needOf', () => {
  it('counts weights, cache and the rest', () => {
    const entry = CATALOGUE[1] as CatalogueEntry;
    const cache = (4 * 4096 + 22 * 1536) * 2 * 256 * 4;
    const { disk, memory, largestBuffer } = needOf(entry);
    expect(memory - disk - cache).toBe(200e6);
    expect(largestBuffer).toBe((1152 * 262_144) / 2);
  });
});
