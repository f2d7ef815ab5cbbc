/** @file The worker that runs an engine under measurement. It measures every engine in the same way. */
import type {
  BenchCallName,
  BenchCalls,
  BenchEngine,
  BenchGenerated,
  BenchReply,
  BenchRequest,
  GpuCounts,
  OpenBenchEngine,
} from '../../protocol/bench.ts';
import { BusyTime } from './busy-time.ts';
import { GpuCounter, type GpuScope } from './count-gpu.ts';

const { port1, port2 } = new MessageChannel();
const callbacks: (() => void)[] = [];
port1.onmessage = () => callbacks.shift()?.();
const afterTask = (callback: () => void): void => {
  callbacks.push(callback);
  port2.postMessage(null);
};

const counter = new GpuCounter(globalThis as unknown as GpuScope);
const stopwatch = new BusyTime(afterTask, () => performance.now());
let engine: BenchEngine | null = null;

const requireEngine = (): BenchEngine => {
  if (!engine) throw new Error('no engine is open');
  return engine;
};

async function open({ entry, model }: BenchCalls['open']['ask']): Promise<BenchCalls['open']['answer']> {
  const { open: openEngine } = entry
    ? ((await import(/* @vite-ignore */ entry)) as { open: OpenBenchEngine })
    : await import('../inference/bench-engine.ts');
  engine = await openEngine(model);
  return engine.about;
}

interface Mark {
  at: number;
  counts: GpuCounts;
}

const takeMark = (): Mark => ({ at: performance.now(), counts: { ...counter.counts } });

async function generate({ ids, count, clearCache, timing }: BenchCalls['generate']['ask']): Promise<BenchGenerated> {
  const use = requireEngine();
  if (clearCache) use.clearCache();
  const marks: Mark[] = [];
  let busyTime: number | null = null;
  const began = performance.now();
  const generation = await use.generate(ids, count, () => {
    marks.push(takeMark());
    if (marks.length === 1) {
      counter.timer.start(timing);
      if (timing === 'cpu') stopwatch.start();
    }
    if (marks.length !== count - 1) return;
    counter.timer.pause();
    if (timing === 'cpu') busyTime = stopwatch.stop();
  });
  const [first] = marks;
  const last = marks.at(-1);
  if (!first || !last || marks.length !== count)
    throw new Error(`the engine told of ${marks.length} tokens of ${count}`);
  const end = marks.at(-2) ?? first;
  const counts = { ...end.counts };
  for (const key of Object.keys(counts) as (keyof GpuCounts)[]) counts[key] -= first.counts[key];
  return {
    ...generation,
    timeToFirstToken: first.at - began,
    decodeTime: last.at - first.at,
    countedTokens: Math.max(0, count - 2),
    counts,
    busyTime,
    gpuTimes: await counter.timer.stop(),
  };
}

async function encodePicture({ size }: BenchCalls['encodePicture']['ask']): Promise<number> {
  const pixels = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / 50));
  const began = performance.now();
  await requireEngine().encodePicture(pixels);
  return performance.now() - began;
}

async function perform({ name, ask }: BenchRequest): Promise<BenchCalls[BenchCallName]['answer']> {
  switch (name) {
    case 'open':
      return open(ask as BenchCalls['open']['ask']);
    case 'generate':
      return generate(ask as BenchCalls['generate']['ask']);
    case 'encodePicture':
      return encodePicture(ask as BenchCalls['encodePicture']['ask']);
    case 'memory':
      return { ...counter.memory };
    case 'close':
      await requireEngine().dispose();
      return null;
  }
}

const post = (reply: BenchReply) => {
  self.postMessage(reply);
};
self.onmessage = ({ data }: MessageEvent<BenchRequest>) => {
  perform(data).then(
    (answer) => {
      post({ answer });
    },
    (cause: unknown) => {
      post({ error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
    },
  );
};
