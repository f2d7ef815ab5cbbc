import { describe, expect, it } from 'vitest';
import { GpuCounter, type GpuScope } from './count-gpu.ts';

/** Makes a scope with the parts of WebGPU that are counted. */
function fakeScope() {
  class GPUBuffer {
    constructor(readonly size: number) {}
    destroy(): void {
      // Nothing to free.
    }
    mapAsync(_mode: number, _offset?: number, _size?: number): Promise<void> {
      return Promise.resolve();
    }
  }
  class GPUDevice {
    createBuffer({ size }: { size: number }): GPUBuffer {
      return new GPUBuffer(size);
    }
  }
  class GPUQueue {
    calls: unknown[][] = [];
    submit(...args: unknown[]): void {
      this.calls.push(args);
    }
    writeBuffer(...args: unknown[]): void {
      this.calls.push(args);
    }
  }
  return { GPUBuffer, GPUDevice, GPUQueue };
}

const READ = 1;
const WRITE = 2;

describe('GpuCounter', () => {
  it('counts calls and lets them through as they are', () => {
    const scope = fakeScope();
    const { counts } = new GpuCounter(scope as unknown as GpuScope);
    const queue = new scope.GPUQueue();
    queue.submit([1]);
    queue.writeBuffer('b', 0, 'data');
    queue.writeBuffer('c', 4, 'data');
    expect(queue.calls).toEqual([[[1]], ['b', 0, 'data'], ['c', 4, 'data']]);
    expect(counts).toMatchObject({ submits: 1, bufferWrites: 2, bytesRead: 0 });
  });

  it('counts what is mapped for reading: a part, the rest, or all', async () => {
    const scope = fakeScope();
    const { counts } = new GpuCounter(scope as unknown as GpuScope);
    const buffer = new scope.GPUDevice().createBuffer({ size: 100 });
    await buffer.mapAsync(READ, 8, 16);
    await buffer.mapAsync(READ, 60);
    await buffer.mapAsync(READ);
    await buffer.mapAsync(WRITE);
    expect(counts.bytesRead).toBe(16 + 40 + 100);
  });

  it('knows how much memory there was at most', () => {
    const scope = fakeScope();
    const { memory } = new GpuCounter(scope as unknown as GpuScope);
    const device = new scope.GPUDevice();
    const first = device.createBuffer({ size: 100 });
    device.createBuffer({ size: 50 });
    first.destroy();
    first.destroy();
    device.createBuffer({ size: 20 });
    expect(memory).toEqual({ now: 70, peak: 150 });
  });
});
