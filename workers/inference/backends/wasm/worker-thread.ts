/** A thread beside the engine's: it does chunks of whatever job is on until it is told to stop. */
import { type ThreadJob, instantiateKernels } from './kernels.ts';

self.onmessage = ({ data }: MessageEvent<ThreadJob>) => {
  instantiateKernels(data).runThread(data.pool, data.thread);
  self.close();
};
