/** Predicts whether a model will run on this device, before anything is downloaded. */
import type { DeviceReport } from '../../protocol/engine.ts';
import type { MessageKey } from '../i18n/i18n.svelte.ts';
import type { Need } from './catalogue.ts';

export interface Machine {
  device: DeviceReport;
  /** GiB, if the browser tells; it is rounded and capped at 8 or 32. */
  deviceMemory?: number | undefined;
  /** Bytes that this origin may still store. */
  free?: number | undefined;
}

export interface Verdict {
  tone: 'good' | 'warning' | 'bad';
  key: MessageKey;
  /** Sizes that the message names, in bytes. */
  bytes?: Record<string, number>;
}

const GIB = 2 ** 30;
/** WebAssembly memory is at most 4 GiB, of which some is needed besides the model. */
const CPU_LIMIT = 3.5 * GIB;
/** The fraction of memory that a model may use; the system and the browser need the rest. */
const MEMORY_SHARE = 0.6;

/** @param missing bytes that are still to be downloaded */
export function judge(need: Need, missing: number, { device, deviceMemory, free }: Machine): Verdict {
  if (free !== undefined && free < missing)
    return { tone: 'bad', key: 'verdict.noRoom', bytes: { needed: missing, free } };
  const { webgpu } = device;
  if (!webgpu && need.memory > CPU_LIMIT) return { tone: 'bad', key: 'verdict.needsGpu' };
  const tooSmall =
    webgpu !== null && need.largestBuffer > Math.min(webgpu.maxBufferSize, webgpu.maxStorageBufferBindingSize);
  if (tooSmall && need.memory > CPU_LIMIT) return { tone: 'bad', key: 'verdict.smallBuffers' };
  if (deviceMemory !== undefined && need.memory > deviceMemory * GIB * MEMORY_SHARE)
    return { tone: 'warning', key: 'verdict.muchMemory' };
  if (tooSmall) return { tone: 'warning', key: 'verdict.slowSmall' };
  if (!webgpu)
    return { tone: 'warning', key: device.reason === 'adapter-wrong' ? 'verdict.slowWrong' : 'verdict.slow' };
  return { tone: 'good', key: 'verdict.fits' };
}
