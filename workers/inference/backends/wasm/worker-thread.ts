/** A thread beside the engine's: it does chunks of whatever job is on until it is told to stop. */
import { type HelperJob, instantiate } from './kernels.ts';

self.onmessage = ({ data }: MessageEvent<HelperJob>) => {
  instantiate(data).help(data.pool, data.thread);
  self.close();
};
