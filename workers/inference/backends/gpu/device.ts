/**
 * The GPU device, created once in this worker and shared by the sessions and our own WGSL. We own it, so its loss is an
 * event, and its features are chosen for what the adapter does right rather than for all it offers.
 */
import { type DeviceReport, EngineError } from '../../../../protocol/engine.ts';

export interface Gpu {
  device: GPUDevice;
  /** e.g. "apple metal-3"; for a person to read. */
  adapter: string;
  shaderF16: boolean;
}

/** `subgroupMinSize` is in newer browsers' GPUAdapterInfo, not yet in every type package. */
type AdapterInfo = GPUAdapterInfo & { subgroupMinSize?: number };

/**
 * onnxruntime's attention is wrong with subgroups smaller than this (software adapters have 4: logits are off by 0.2
 * in prompts of 32 tokens and more); without the feature it takes kernels that are exact everywhere.
 */
const SMALLEST_TRUSTED_SUBGROUP = 8;

/** Features to ask for: what the adapter has, less what is known to give wrong answers on it. */
export function chooseFeatures(offered: ReadonlySet<string>, info: { subgroupMinSize?: number }): GPUFeatureName[] {
  const wanted = ['shader-f16', 'timestamp-query', 'subgroups'] as GPUFeatureName[];
  const subgroupsTrusted = (info.subgroupMinSize ?? 0) >= SMALLEST_TRUSTED_SUBGROUP;
  return wanted.filter((feature) => offered.has(feature) && (feature !== ('subgroups' as string) || subgroupsTrusted));
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
] as const;

const nameOf = (info: GPUAdapterInfo): string =>
  [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');

/** Null where the browser or the machine has none. */
async function requestAdapter(): Promise<GPUAdapter | null> {
  // Absent in insecure contexts and in browsers without WebGPU, whatever the type says.
  const gpu = navigator.gpu as GPU | undefined;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? null;
}

/** What the adapter offers. No device is made: one in use stays as it is. */
export async function inspectGpu(): Promise<DeviceReport['webgpu']> {
  const adapter = await requestAdapter();
  if (!adapter) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { adapter: nameOf(adapter.info), maxBufferSize, maxStorageBufferBindingSize };
}

/** @throws EngineError `no-webgpu` where the browser or the machine has none. */
export async function requestGpu(): Promise<Gpu> {
  const adapter = await requestAdapter();
  if (!adapter) throw new EngineError('no-webgpu', 'the browser offers no adapter');
  const info: AdapterInfo = adapter.info;
  const requiredFeatures = chooseFeatures(adapter.features as ReadonlySet<string>, info);
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits }).catch((cause: unknown) => {
    throw new EngineError('no-webgpu', String(cause));
  });
  // What was to be made was not: all that is computed from then on would be nonsense. Who made it is told that the GPU is gone.
  device.addEventListener('uncapturederror', ({ error }) => {
    if (!(error instanceof GPUValidationError)) device.destroy();
  });
  return { device, adapter: nameOf(info), shaderF16: requiredFeatures.includes('shader-f16') };
}
