import { describe, expect, it } from 'vitest';
import { chooseFeatures } from './device.ts';

const all = new Set(['shader-f16', 'subgroups', 'timestamp-query', 'texture-compression-bc']);

describe('chooseFeatures', () => {
  it('takes subgroups only where they are known to be large enough', () => {
    expect(chooseFeatures(all, { subgroupMinSize: 32 })).toEqual(['shader-f16', 'timestamp-query', 'subgroups']);
    expect(chooseFeatures(all, { subgroupMinSize: 4 })).toEqual(['shader-f16', 'timestamp-query']);
    expect(chooseFeatures(all, {})).toEqual(['shader-f16', 'timestamp-query']);
  });

  it('asks for nothing that is not offered', () => {
    expect(chooseFeatures(new Set(), { subgroupMinSize: 32 })).toEqual([]);
  });
});
