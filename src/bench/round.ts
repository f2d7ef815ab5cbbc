/** One round of one engine: everything that is timed or counted, except the heap. */
import type { BenchAbout, BenchCalls, BenchGenerated, BenchJob, BenchRound, GpuCounts } from '../../protocol/bench.ts';
import { type EngineWorker, withWorker } from './engine-worker.ts';
import { ordinaryIds, promptIds } from './prompts.ts';
import { Samples } from './samples.ts';

const MIB = 2 ** 20;
/** Tokens of context at which prompts and decoding are measured. */
const CONTEXTS = [128, 1024, 4096, 32768];
/** Number of tokens that are decoded after each prompt; prompt and these tokens fill the context. */
const DECODED = 8;
const SHORT = 16;
/**
 * The measured conversation: number of turns, turns that are reported, and tokens of the first prompt, of each answer
 * and of each further question.
 */
const TURN = { last: 10, measured: [2, 5, 10], first: 64, answer: 4, next: 16 };
/** Quick measurements are repeated up to `most` times within `time` ms. */
const REPEAT = { most: 4, time: 3000 };
const MAX_EXPECTED_MS = 25_000;

const COUNTED: Record<keyof GpuCounts, { measure: string; unit: string; per: number }> = {
  dispatches: { measure: 'dispatches a token', unit: '', per: 1 },
  bufferWrites: { measure: 'buffer writes a token', unit: '', per: 1 },
  submits: { measure: 'submits a token', unit: '', per: 1 },
  bytesRead: { measure: 'read back a token', unit: 'KiB', per: 1024 },
  buffersCreated: { measure: 'buffers created a token', unit: '', per: 1 },
};

type Ask = BenchCalls['generate']['ask'];
export const ask = (ids: number[], count: number, more: Partial<Ask> = {}): Ask => ({
  ...{ ids, count, clearCache: true, timing: 'none' },
  ...more,
});

interface Measuring {
  worker: EngineWorker;
  about: BenchAbout;
  onGpu: boolean;
  samples: Samples;
  tokens: Record<string, number[]>;
  skipped: string[];
}

/**
 * Repeats what is quick. Of several results the first is left out, which paid for what is made ready at first use.
 */
async function repeat<T>(work: () => Promise<T>): Promise<T[]> {
  const began = performance.now();
  const results: T[] = [];
  do results.push(await work());
  while (results.length < REPEAT.most && performance.now() - began < REPEAT.time);
  return results.length > 1 ? results.slice(1) : results;
}

/** Measures loading up to the second token: model, tokenizer, and everything that is initialised on first use. */
async function load(job: BenchJob, worker: EngineWorker, samples: Samples, measure: string): Promise<BenchAbout> {
  const began = performance.now();
  const about = await worker.open(job);
  await worker.call('generate', ask(promptIds(4, about.vocabSize), 2));
  samples.add(measure, 'ms', performance.now() - began);
  return about;
}

function addCounts({ samples, onGpu }: Measuring, { counts, countedTokens }: BenchGenerated): void {
  if (!onGpu) return;
  for (const [name, { measure, unit, per }] of Object.entries(COUNTED))
    samples.add(measure, unit, counts[name as keyof GpuCounts] / countedTokens / per);
}

/**
 * Estimates from the previous prompt's time per token, which is a lower bound since attention grows with the context.
 */
function reasonToSkip(context: number, { contextLength }: BenchAbout, msPerToken: number): string | null {
  if (context > contextLength) return `there is room for ${contextLength} tokens`;
  const foreseen = context * msPerToken;
  if (foreseen > MAX_EXPECTED_MS) return `reading the prompt would take ${Math.round(foreseen / 1000)} s or more`;
  return null;
}

async function isSoftwareGpu(): Promise<boolean> {
  const adapter = await (navigator.gpu as GPU | undefined)?.requestAdapter();
  return adapter?.info.isFallbackAdapter === true || adapter?.info.architecture === 'swiftshader';
}

async function prompts(measuring: Measuring): Promise<void> {
  const { worker, about, onGpu, samples, tokens, skipped } = measuring;
  const short = await worker.call('generate', ask(promptIds(SHORT, about.vocabSize), DECODED + 1));
  tokens[`prompt of ${SHORT}`] = short.tokens;
  let msPerToken = 0;
  for (const context of CONTEXTS) {
    const reason = reasonToSkip(context, about, msPerToken);
    if (reason) {
      skipped.push(`context of ${context}: ${reason}`);
      continue;
    }
    const ids = promptIds(context - DECODED, about.vocabSize);
    for (const run of await repeat(() => worker.call('generate', ask(ids, DECODED + 1)))) {
      samples.add(`time to first token, ${context}`, 'ms', run.timeToFirstToken);
      samples.add(`prefill, ${context}`, 'tokens/s', (ids.length / run.timeToFirstToken) * 1000);
      samples.add(`decode, ${context}`, 'tokens/s', (DECODED / run.decodeTime) * 1000);
      if (context === CONTEXTS[0]) addCounts(measuring, run);
      tokens[`prompt of ${ids.length}`] = run.tokens;
      msPerToken = run.timeToFirstToken / ids.length;
    }
    if (!onGpu || context !== CONTEXTS[0]) continue;
    if (await isSoftwareGpu())
      skipped.push('CPU a token: the software adapter takes the cores that it would be measured on');
    else {
      const { busyTime, ...cpu } = await worker.call('generate', ask(ids, DECODED + 1, { timing: 'cpu' }));
      if (busyTime !== null) samples.add('CPU a token', 'ms', busyTime / cpu.countedTokens);
    }
    const { gpuTimes, countedTokens } = await worker.call('generate', ask(ids, DECODED + 1, { timing: 'passes' }));
    const all = gpuTimes?.reduce((sum, { time }) => sum + time, 0);
    if (all !== undefined) samples.add('GPU a token', 'ms', all / countedTokens);
  }
}

/** Each turn's prompt is the whole conversation so far and a new question. */
async function conversation({ worker, about, samples, tokens, skipped }: Measuring): Promise<void> {
  const whole = TURN.first + TURN.last * (TURN.answer + TURN.next);
  if (whole > about.contextLength) {
    skipped.push(`conversation: it takes ${whole} tokens of context`);
    return;
  }
  let said = promptIds(TURN.first, about.vocabSize);
  const answers: number[] = [];
  for (let turn = 1; turn <= TURN.last; turn++) {
    const run = await worker.call('generate', ask(said, TURN.answer, { clearCache: turn === 1 }));
    if (TURN.measured.includes(turn)) {
      samples.add(`time to first token, turn ${turn}`, 'ms', run.timeToFirstToken);
      samples.add(`prompt tokens read, turn ${turn}`, `of ${said.length}`, run.prefilledTokens);
    }
    answers.push(...run.tokens);
    said = [...said, ...run.tokens, ...ordinaryIds(TURN.next, about.vocabSize, turn)];
  }
  tokens['conversation'] = answers;
}

export async function measureRound(job: BenchJob): Promise<BenchRound> {
  const samples = new Samples();
  const tokens: Record<string, number[]> = {};
  const skipped: string[] = [];
  await withWorker(async (worker) => {
    await load(job, worker, samples, 'load, cold');
    await worker.close();
  });
  return withWorker(async (worker) => {
    const about = await load(job, worker, samples, 'load, warm');
    const onGpu = job.model.device === 'webgpu';
    const measuring = { worker, about, onGpu, samples, tokens, skipped };
    await prompts(measuring);
    await conversation(measuring);
    const size = about.pictureSize;
    if (size !== null) {
      const encode = () => worker.call('encodePicture', { size });
      // The encoder may be loaded only now.
      samples.add('first picture', 'ms', await encode());
      for (const ms of await repeat(encode)) samples.add('picture encoding', 'ms', ms);
    }
    if (onGpu) samples.add('GPU bytes allocated, peak', 'MiB', (await worker.call('memory', null)).peak / MIB);
    await worker.close();
    return { about, samples: samples.all(), tokens, skipped };
  });
}
