/** Whether a model will work on this computer, told before anything is fetched. */
import type { DeviceReport } from '../../protocol/engine.ts';
import type { MessageKey } from '../i18n/i18n.svelte.ts';
import type { Need } from './catalogue.ts';

export interface Machine {
  device: DeviceReport;
  /** GiB, as far as the browser tells; it rounds, and says no more than 8 or 32. */
  deviceMemory?: number | undefined;
  /** Bytes that the browser lets this page store yet. */
  free?: number | undefined;
}

export interface Verdict {
  tone: 'good' | 'warning' | 'bad';
  key: MessageKey;
  /** What the sentence names, in bytes. */
  bytes?: Record<string, number>;
}

const GIB = 2 ** 30;
/** WebAssembly without a GPU has 4 GiB in all. */
const CPU_LIMIT = 3.5 * GIB;
/** The system and the browser want the rest. */
const MEMORY_SHARE = 0.6;

/** @param missing bytes that are still to be fetched. */
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
