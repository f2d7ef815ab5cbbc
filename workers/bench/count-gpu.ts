/**
 * @file Counts a thread's calls of WebGPU, whichever engine makes them: the prototypes' methods are wrapped before any engine
 * starts. Timestamps are written around compute passes only on request, since they slow the GPU down.
 */
import type { GpuCounts, GpuMemory } from '../../protocol/bench.ts';
import { rememberPipeline, rememberShader } from './kernel-name.ts';
import { PassTimer } from './pass-timer.ts';

type Method = (...args: never[]) => unknown;
type Wrapper = (self: object, args: unknown[], call: (args: unknown[]) => unknown) => unknown;

/** Interfaces of WebGPU by their global names. A global scope is one. */
export type GpuScope = Record<string, { prototype: object } | undefined>;

function wrap(scope: GpuScope, path: string, wrapper: Wrapper): void {
  const [type = '', name = ''] = path.split('.');
  const prototype = scope[type]?.prototype;
  const original: unknown = prototype && Reflect.get(prototype, name);
  if (!prototype || typeof original !== 'function') return;
  Reflect.set(prototype, name, function (this: object, ...args: unknown[]) {
    return wrapper(this, args, (given) => Reflect.apply(original as Method, this, given));
  });
}

const MAP_READ = 1;

/** Wraps WebGPU and counts its calls. */
export class GpuCounter {
  /** Calls since the worker started. */
  readonly counts: GpuCounts = { dispatches: 0, bufferWrites: 0, submits: 0, bytesRead: 0, buffersCreated: 0 };
  readonly memory: GpuMemory = { now: 0, peak: 0 };
  readonly timer = new PassTimer();
  private readonly sizes = new WeakMap<object, number>();

  /** @param scope the globals whose prototypes are wrapped. Interfaces that it lacks are skipped. */
  constructor(scope: GpuScope) {
    const count = (path: string, name: 'dispatches' | 'bufferWrites' | 'submits') => {
      wrap(scope, path, (_, args, call) => {
        this.counts[name]++;
        return call(args);
      });
    };
    count('GPUComputePassEncoder.dispatchWorkgroups', 'dispatches');
    count('GPUComputePassEncoder.dispatchWorkgroupsIndirect', 'dispatches');
    count('GPUQueue.writeBuffer', 'bufferWrites');
    count('GPUQueue.submit', 'submits');
    wrap(scope, 'GPUDevice.createBuffer', (_, args, call) => this.recordBuffer(args, call));
    wrap(scope, 'GPUBuffer.destroy', (buffer, args, call) => {
      this.memory.now -= this.sizes.get(buffer) ?? 0;
      this.sizes.delete(buffer);
      return call(args);
    });
    wrap(scope, 'GPUBuffer.mapAsync', (buffer, args, call) => {
      const [mode, offset = 0, size = (this.sizes.get(buffer) ?? 0) - Number(offset)] = args;
      if (Number(mode) & MAP_READ) this.counts.bytesRead += Number(size);
      return call(args);
    });
    wrap(scope, 'GPUDevice.createCommandEncoder', (device, args, call) => {
      const encoder = call(args);
      this.timer.trackEncoder(encoder as GPUCommandEncoder, device as GPUDevice);
      return encoder;
    });
    wrap(scope, 'GPUCommandEncoder.beginComputePass', (encoder, [descriptor], call) =>
      this.timer.begin(
        encoder,
        descriptor as GPUComputePassDescriptor | undefined,
        (given) => call([given]) as GPUComputePassEncoder,
      ),
    );
    this.nameKernels(scope);
  }

  private nameKernels(scope: GpuScope): void {
    const remember = (pipeline: object, { label, compute }: GPUComputePipelineDescriptor) => {
      rememberPipeline(pipeline, label || undefined, compute.module);
    };
    wrap(scope, 'GPUDevice.createShaderModule', (_, args, call) => {
      const module = call(args) as object;
      rememberShader(module, (args[0] as GPUShaderModuleDescriptor).code);
      return module;
    });
    wrap(scope, 'GPUDevice.createComputePipeline', (_, args, call) => {
      const pipeline = call(args) as object;
      remember(pipeline, args[0] as GPUComputePipelineDescriptor);
      return pipeline;
    });
    wrap(scope, 'GPUDevice.createComputePipelineAsync', async (_, args, call) => {
      const pipeline = (await call(args)) as object;
      remember(pipeline, args[0] as GPUComputePipelineDescriptor);
      return pipeline;
    });
  }

  private recordBuffer(args: unknown[], call: (args: unknown[]) => unknown): unknown {
    const buffer = call(args) as GPUBuffer;
    this.sizes.set(buffer, buffer.size);
    this.counts.buffersCreated++;
    this.memory.now += buffer.size;
    this.memory.peak = Math.max(this.memory.peak, this.memory.now);
    return buffer;
  }
}
