/**
 * @file A worker in place of the inference worker. It gives the answers that a test wrote, which a model would hardly
 * give on demand.
 */
import type { Page } from '@playwright/test';
import type { DeviceReport, EngineErrorCode, Finish, LoadedModel } from '../../protocol/engine.ts';
import { isolationHeaders } from '../../protocol/isolation.ts';
import { GREEDY_SAMPLING } from '../../protocol/sampling.ts';

export interface Failure {
  code: EngineErrorCode;
  detail: string;
}

export interface Answer {
  /** `{prompt}` stands for the texts of the prompt's messages, `{options}` for the options of the call. */
  deltas?: string[];
  /** Time between deltas, ms. */
  pause?: number;
  reason?: Finish['reason'];
  error?: Failure;
  /** Message of an error that the worker throws instead of ending the answer. */
  crash?: string;
}

export interface Script {
  /** Failures of the first attempts to load; after them, loading succeeds. */
  loadFailures?: Failure[];
  /** How long loading takes, ms. */
  loadTime?: number;
  model?: Partial<LoadedModel>;
  device?: DeviceReport;
  /** Answers in the order of the questions; the last one answers all that follow. */
  answers: Answer[];
}

const LOADED: LoadedModel = {
  id: 'built-in',
  dtype: 'q4',
  device: 'webgpu',
  adapter: 'scripted',
  vision: true,
  contextLength: 2048,
  sampling: GREEDY_SAMPLING,
};

const GPU: DeviceReport = {
  webgpu: { adapter: 'scripted', maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 },
};

const FINISH: Omit<Finish, 'reason'> = {
  usage: { promptTokens: 120, reusedTokens: 98, generatedTokens: 24, contextTokens: 2048 },
  timing: { timeToFirstToken: 412, prefillRate: 300, decodeRate: 12.34 },
};

/** The worker's code. It is sent as text, so it can use nothing but its argument. */
function perform({
  loadFailures = [],
  loadTime = 0,
  answers,
  device,
  loaded,
  finish,
}: Script & { loaded: LoadedModel; finish: object }) {
  interface PromptMessage {
    content: string | { text?: string }[];
  }
  const aborted: number[] = [];
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  let asked = 0;
  self.onmessage = async ({
    data,
  }: MessageEvent<{
    id: number;
    abort?: true;
    call: { type: string; messages?: PromptMessage[]; options?: object };
  }>) => {
    const { id, call } = data;
    const post = (message: object) => {
      self.postMessage({ id, ...message });
    };
    if (data.abort) {
      aborted.push(id);
      return;
    }
    if (call.type === 'load') {
      post({ progress: { stage: 'files', done: 42, total: 100 } });
      await sleep(loadTime);
      const error = loadFailures.shift();
      post(error ? { error } : { result: loaded });
      return;
    }
    if (call.type === 'settled') {
      post({ result: null });
      return;
    }
    if (call.type === 'inspect') {
      post({ result: device });
      return;
    }
    const texts = (call.messages ?? []).map(({ content }) =>
      typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join(' '),
    );
    // Each word counts as one token, and each message as four more.
    const promptTokens = texts.reduce((sum, text) => sum + 4 + text.split(/\s+/).filter(Boolean).length, 0);
    if (call.type === 'count') {
      post({ result: { promptTokens, reusedTokens: 0, contextTokens: loaded.contextLength } });
      return;
    }
    if (promptTokens >= loaded.contextLength) {
      post({ error: { code: 'prompt-too-long', detail: `${promptTokens} tokens` } });
      return;
    }
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? {};
    for (const delta of answer.deltas ?? []) {
      if (aborted.includes(id)) break;
      post({ delta: delta.replace('{prompt}', texts.join(' | ')).replace('{options}', JSON.stringify(call.options)) });
      await sleep(answer.pause ?? 0);
    }
    const reason = aborted.includes(id) ? 'aborted' : (answer.reason ?? 'stop');
    if (answer.crash) {
      const message = answer.crash;
      setTimeout(() => {
        throw new Error(message);
      });
    } else post(answer.error ? { error: answer.error } : { result: { reason, ...finish } });
  };
}

/** Lets each inference worker that the page starts follow the next script; the last one is for all that follow. */
export async function scriptWorker(page: Page, ...scripts: [Script, ...Script[]]): Promise<void> {
  let started = 0;
  await page.route('**/assets/worker-*.js', (route) => {
    const script = scripts[Math.min(started++, scripts.length - 1)] ?? scripts[0];
    const role = { device: GPU, ...script, loaded: { ...LOADED, ...script.model }, finish: FINISH };
    return route.fulfill({
      contentType: 'text/javascript',
      headers: { 'Cache-Control': 'no-store', ...isolationHeaders },
      body: `(${perform.toString()})(${JSON.stringify(role)})`,
    });
  });
}
