/**
 * @file Times compute passes with timestamp queries: whole passes as the engine makes them, or, to tell kernels apart,
 * every dispatch in a pass of its own.
 */
import type { BenchTiming, ProfileEntry } from '../../protocol/bench.ts';
import { kernelName } from './kernel-name.ts';

/** Largest size of a query set (WebGPU, `GPUQuerySetDescriptor.count`). Longer measurements use several sets. */
const QUERIES_PER_SET = 4096;

interface Queries {
  device: GPUDevice;
  sets: GPUQuerySet[];
  /** Name of what each pair of queries times. */
  names: string[];
}

type Begin = (descriptor: GPUComputePassDescriptor | undefined) => GPUComputePassEncoder;

/** Timer for the compute passes of one device at a time. */
export class PassTimer {
  private readonly devices = new WeakMap<object, GPUDevice>();
  private queries: Queries | null = null;
  private timing: Exclude<BenchTiming, 'cpu'> = 'none';

  /** Notes which device an encoder belongs to, while passes are timed. */
  trackEncoder(encoder: GPUCommandEncoder, device: GPUDevice): void {
    if (this.timing !== 'none') this.devices.set(encoder, device);
  }

  /** Begins a measurement and drops an earlier one. */
  start(timing: BenchTiming): void {
    this.timing = timing === 'cpu' ? 'none' : timing;
    if (this.queries) this.queries.names = [];
  }

  /** Begins a compute pass, with timestamps while passes are timed. */
  begin(encoder: object, descriptor: GPUComputePassDescriptor | undefined, begin: Begin): GPUComputePassEncoder {
    const device = this.devices.get(encoder);
    if (this.timing === 'none' || !device?.features.has('timestamp-query')) return begin(descriptor);
    if (this.timing === 'passes') return begin(this.timed(device, 'all'));
    return new SplitPass((name) => begin(this.timed(device, name))) as unknown as GPUComputePassEncoder;
  }

  private timed(device: GPUDevice, name: string): GPUComputePassDescriptor {
    if (this.queries?.device !== device) this.queries = { device, sets: [], names: [] };
    const { sets, names } = this.queries;
    const at = names.length * 2;
    names.push(name);
    const querySet = (sets[Math.floor(at / QUERIES_PER_SET)] ??= device.createQuerySet({
      type: 'timestamp',
      count: QUERIES_PER_SET,
    }));
    const first = at % QUERIES_PER_SET;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 } };
  }

  /** Passes that begin later are not timed. */
  pause(): void {
    this.timing = 'none';
  }

  /**
   * Ends the measurement.
   * @returns time in ms in passes from `start` to `pause` by name, the longest first; null where nothing was timed.
   */
  async stop(): Promise<ProfileEntry[] | null> {
    this.pause();
    const { queries } = this;
    if (!queries || queries.names.length === 0) return null;
    const { device, sets, names } = queries;
    const size = names.length * 2 * 8;
    const whole = Math.ceil(size / (QUERIES_PER_SET * 8)) * QUERIES_PER_SET * 8;
    const resolved = device.createBuffer({
      size: whole,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    for (let i = 0; i * QUERIES_PER_SET * 8 < size; i++) {
      const set = sets[i];
      const count = Math.min(QUERIES_PER_SET, names.length * 2 - i * QUERIES_PER_SET);
      if (set) encoder.resolveQuerySet(set, 0, count, resolved, i * QUERIES_PER_SET * 8);
    }
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const entries = timesByName(new BigUint64Array(staging.getMappedRange()), names);
    resolved.destroy();
    staging.destroy();
    return entries;
  }
}

/**
 * Adds up passes by name.
 * @param stamps uint64 [names, 2], begin and end of each pass in ns.
 * @param names the name of each pass.
 * @returns times in ms, the longest first. A pass that never ran, or whose clock jumped back, takes no time.
 */
export function timesByName(stamps: BigUint64Array, names: readonly string[]): ProfileEntry[] {
  const entries = new Map<string, ProfileEntry>();
  for (const [i, name] of names.entries()) {
    const taken = Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))) / 1e6;
    const entry = entries.get(name) ?? { name, time: 0, calls: 0 };
    entry.time += taken;
    entry.calls++;
    entries.set(name, entry);
  }
  return [...entries.values()].sort((a, b) => b.time - a.time);
}

/** Takes the place of a compute pass and begins one of its own for each dispatch. */
class SplitPass {
  label = '';
  private pipeline: GPUComputePipeline | null = null;
  private readonly groups = new Map<number, unknown[]>();

  constructor(private readonly begin: (name: string) => GPUComputePassEncoder) {}

  setPipeline(pipeline: GPUComputePipeline): void {
    this.pipeline = pipeline;
  }

  setBindGroup(index: number, ...rest: unknown[]): void {
    this.groups.set(index, rest);
  }

  dispatchWorkgroups(x: number, y?: number, z?: number): void {
    this.inPass((pass) => pass.dispatchWorkgroups(x, y, z));
  }

  dispatchWorkgroupsIndirect(buffer: GPUBuffer, offset: number): void {
    this.inPass((pass) => pass.dispatchWorkgroupsIndirect(buffer, offset));
  }

  private inPass(dispatch: (pass: GPUComputePassEncoder) => void): void {
    const { pipeline } = this;
    if (!pipeline) throw new Error('a dispatch without a pipeline');
    const pass = this.begin(kernelName(pipeline));
    pass.setPipeline(pipeline);
    for (const [index, rest] of this.groups) Reflect.apply(pass.setBindGroup, pass, [index, ...rest]);
    dispatch(pass);
    pass.end();
  }

  end(): void {
    this.pipeline = null;
  }

  pushDebugGroup(): void {
    // Groups cannot span passes.
  }

  popDebugGroup(): void {
    // Nothing was pushed.
  }

  insertDebugMarker(): void {
    // Markers say nothing about time.
  }
}
