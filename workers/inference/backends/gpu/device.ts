/**
 * The GPU device, created once in this worker and shared by onnxruntime's sessions and our own kernels. Since we own it, its
 * loss is an event that we can handle, and we choose its features by what the adapter computes correctly.
 */
import { type DeviceReport, EngineError } from '../../../../protocol/engine.ts';

/** A device and the adapter that it belongs to. */
export interface Gpu {
  device: GPUDevice;
  /** Name of the adapter for a person to read, e.g. "apple metal-3". */
  adapter: string;
  shaderF16: boolean;
}

/** The type package lacks `subgroupMinSize`, which newer browsers have. */
type AdapterInfo = GPUAdapterInfo & { subgroupMinSize?: number };

/**
 * onnxruntime's attention is wrong with subgroups smaller than this (software adapters have 4: logits are off by 0.2
 * in prompts of 32 tokens and more); without the feature it takes kernels that are exact everywhere.
 */
const SMALLEST_TRUSTED_SUBGROUP = 8;

/**
 * Chooses the device's features: what the adapter has, without what is known to compute wrong results on it.
 * @param offered the adapter's features
 * @param info the adapter's smallest subgroup size, in threads
 * @returns features to request
 */
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

/** Null if the browser or the machine has no adapter. */
async function requestAdapter(): Promise<GPUAdapter | null> {
  // It is undefined in insecure contexts and in browsers without WebGPU, which the type does not say.
  const gpu = navigator.gpu as GPU | undefined;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? null;
}

/**
 * Inspects the adapter without creating a device, so one that is in use is not affected.
 * @returns the adapter's name and limits (bytes); null if there is none
 */
export async function inspectGpu(): Promise<DeviceReport['webgpu']> {
  const adapter = await requestAdapter();
  if (!adapter) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return { adapter: nameOf(adapter.info), maxBufferSize, maxStorageBufferBindingSize };
}

/**
 * Creates the device.
 * @returns the device
 * @throws EngineError `no-webgpu` if the browser or the machine has no adapter, or refuses a device
 */
export async function requestGpu(): Promise<Gpu> {
  const adapter = await requestAdapter();
  if (!adapter) throw new EngineError('no-webgpu', 'the browser offers no adapter');
  const info: AdapterInfo = adapter.info;
  const requiredFeatures = chooseFeatures(adapter.features as ReadonlySet<string>, info);
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits }).catch((cause: unknown) => {
    throw new EngineError('no-webgpu', String(cause));
  });
  // An allocation has failed and no error scope caught it, so later results would be wrong. Destroying the device makes its owner
  // see a lost device.
  device.addEventListener('uncapturederror', ({ error }) => {
    if (!(error instanceof GPUValidationError)) device.destroy();
  });
  return { device, adapter: nameOf(info), shaderF16: requiredFeatures.includes('shader-f16') };
}
