/** A worker that takes part in the kernels' jobs, beside the inference worker, until it is told to stop. */
import { instantiateKernels, type ThreadJob } from './kernels.ts';

self.onmessage = ({ data }: MessageEvent<ThreadJob>) => {
  instantiateKernels(data).runThread(data.pool, data.thread);
  self.close();
};
