/**
 * A model whose tokens are scripted: a real decoder over a backend that computes nothing and writes down what it is asked,
 * with a tokenizer of letters. It needs neither onnxruntime nor a GPU.
 */
import { vi } from 'vitest';
import type { Sampling } from '../../../protocol/sampling.ts';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import type { Backend, ForwardInput } from '../backend-interface/backend.ts';
import type { KvCache } from '../backend-interface/kv-cache.ts';
import { Logits } from '../backend-interface/logits.ts';
import type { TokenSamplers } from '../backends/webgpu/sampler.ts';
import { Decoder } from '../cache/decoder.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import type { Model } from '../model/model.ts';
import known from '../model/self-test/decoder/known-answer.json';

const CONTROLS = ['<pad>', '<eos>', '<bos>', '<unk>', '<start_of_turn>', '<end_of_turn>'];
/** `th` is one token where a text is encoded; a model may also choose `t` and `h`. */
const TEXTS = ['▁', '\n', ...'abcdefghijklmnopqrstuvwxyz', 'th'];
const VOCABULARY = [...CONTROLS, ...TEXTS];

/** The id of a control token, or one id for each letter, space and line break of a text. */
export const idsOf = (text: string): number[] =>
  (CONTROLS.includes(text) ? [text] : [...text.replaceAll(' ', '▁')]).map((token) => VOCABULARY.indexOf(token));
const idOf = (token: string): number => VOCABULARY.indexOf(token);
export const END_OF_TURN = idOf('<end_of_turn>');
export const END_OF_TEXT = idOf('<eos>');

const TOKENIZER_JSON = {
  model: { type: 'BPE', vocab: Object.fromEntries(TEXTS.map((text) => [text, idOf(text)])), merges: ['t h'] },
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  decoder: {
    type: 'Sequence',
    decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }],
  },
  added_tokens: CONTROLS.map((content, id) => ({ id, content, special: true })),
};

/** The next token after those that are cached. */
export type Script = (cached: readonly number[]) => number;

/** Answers every prompt, which ends in a line break, with these tokens and the end of the turn. */
export const answering =
  (ids: readonly number[]): Script =>
  (cached) =>
    ids[cached.length - 1 - cached.lastIndexOf(idOf('\n'))] ?? END_OF_TURN;

/** Stands for a GPU's buffer: it has the id that the sampler wrote in it. */
class ScriptedBuffer {
  readonly usage = 0;
  constructor(readonly id: number) {}
}

/** Keeps the ids that it processes; the highest of its logits is the script's next token. */
export class ScriptedBackend implements Backend {
  /** Ids of the cached tokens, in order. */
  readonly cached: number[] = [];
  /** Numbers of tokens of the forward passes so far. */
  readonly passes: number[] = [];
  /** Awaited before each forward pass takes effect. */
  onForward: (input: ForwardInput) => Promise<void> | void = () => undefined;
  /** Number of logits that were given and not yet disposed of. */
  openLogits = 0;
  readonly dispose = vi.fn();
  readonly bidirectionalImages = false;
  readonly cache: KvCache;

  /** @param onGpu whether logits are in a buffer. */
  constructor(
    private readonly script: Script,
    private readonly onGpu: boolean,
  ) {
    const { cached } = this;
    this.cache = {
      get length() {
        return cached.length;
      },
      bytes: 0,
      reusableLength: (length) => length,
      truncate: (length) => {
        cached.length = Math.min(cached.length, length);
      },
      snapshot: () => Promise.resolve(null),
      dispose: () => undefined,
    };
  }

  async forward(input: ForwardInput, logitsToKeep: number): Promise<Logits | null> {
    await this.onForward(input);
    const { ids } = input;
    this.passes.push(input.end - input.start);
    this.cached.push(...(ids instanceof ScriptedBuffer ? [ids.id] : (ids as readonly number[])));
    return logitsToKeep > 0 ? this.logits() : null;
  }

  private logits(): Logits {
    const id = this.script(this.cached);
    const vocabSize = VOCABULARY.length;
    const data = Float32Array.from({ length: vocabSize }, (_, i) => (i === id ? 10 : 0));
    let isOpen = true;
    this.openLogits++;
    const dispose = () => {
      if (!isOpen) throw new Error('logits were disposed of twice');
      isOpen = false;
      this.openLogits--;
    };
    const source = { rows: 1, vocabSize, type: 'float32', dispose } as const;
    if (!this.onGpu) return new Logits({ ...source, storage: { data } });
    const storage = { buffer: new ScriptedBuffer(id) as unknown as GPUBuffer, device: {} as GPUDevice };
    return Object.assign(new Logits({ ...source, storage }), { lastRows: () => Promise.resolve(data) });
  }
}

/** Chooses the script's next token as the GPU would: the id is known later than the buffer. */
export class ScriptedSamplers implements TokenSamplers {
  /** Awaited before a choice is known; false leaves the choice to the CPU. */
  onChoice: (id: number) => Promise<boolean> | boolean = () => true;
  readonly began = vi.fn<(sampling: Sampling) => void>();
  /** The histories that choices were asked for with. */
  readonly histories: number[][] = [];
  readonly dispose = vi.fn();

  async begin(sampling: Sampling): ReturnType<TokenSamplers['begin']> {
    this.began(sampling);
    return Promise.resolve({
      next: ({ buffer }, history) => {
        this.histories.push([...history]);
        const { id } = buffer as unknown as ScriptedBuffer;
        const choose = async () => ((await this.onChoice(id)) ? id : null);
        return { id: choose(), buffer };
      },
    });
  }
}

export interface ScriptedModelOptions {
  script: Script;
  onGpu?: boolean;
  /** Tokens of context. */
  capacity?: number;
}

/** A model as `openModel` gives it, and the parts that it is made of. */
export function scriptedModel({ script, onGpu = false, capacity = 100 }: ScriptedModelOptions) {
  const backend = new ScriptedBackend(script, onGpu);
  const samplers = new ScriptedSamplers();
  const decoder = new Decoder(backend, { capacity, chunkSize: 8 });
  const manifest = { id: 'scripted', files: [{ path: 'tokenizer.json', sha256: '' }] };
  /** JSON files of the folder. */
  const files: Record<string, unknown> = { 'tokenizer.json': TOKENIZER_JSON };
  const folder: ModelFolder = {
    manifest: manifest as unknown as ModelFolder['manifest'],
    json: (path) => Promise.resolve(files[path]),
    text: () => Promise.resolve(undefined),
    blob: () => Promise.reject(new Error('there are no weights')),
    derivedFiles: null,
  };
  let lose: (detail: string) => void = () => undefined;
  const dispose = vi.fn(() => {
    decoder.dispose();
    return Promise.resolve();
  });
  const model: Model = {
    folder,
    config: parseGemma3Config({ ...known.config, eos_token_id: END_OF_TEXT }),
    dtype: 'q4',
    device: onGpu ? 'webgpu' : 'wasm',
    adapter: onGpu ? 'scripted adapter' : '',
    decoder,
    encoder: null,
    createSampler: onGpu ? vi.fn(() => samplers) : null,
    lost: new Promise((resolve) => (lose = resolve)),
    dispose,
  };
  return { model, backend, samplers, decoder, files, dispose, lose: (detail: string) => lose(detail) };
}

/** A promise that a test settles. */
export class Gate {
  open!: () => void;
  fail!: (cause: unknown) => void;
  readonly passed = new Promise<void>((resolve, reject) => {
    this.open = resolve;
    this.fail = reject;
  });
}
