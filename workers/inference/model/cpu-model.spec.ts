/** What a model on the CPU is opened as: our kernels, sessions of onnxruntime, or both. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Gemma3Config, parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import { Decoder } from '../cache/decoder.ts';
import { OrtBackend } from '../backends/ort/ort-backend.ts';
import { checkEquivalence } from './equivalence-check.ts';
import type { CacheSize } from '../backends/wasm/memory-plan.ts';
import { openOnCpu } from './cpu-model.ts';
import { DATA_FILE, known, ort, selfTestModel } from '../backends/ort/cpu/testing/self-test-model.ts';

/** A Blob that a test can wait for, as workers can for a browser's. */
class Bytes {
  constructor(readonly bytes: Uint8Array) {}
  get size(): number {
    return this.bytes.length;
  }
  slice(start: number, end: number): Bytes {
    return new Bytes(this.bytes.subarray(start, end));
  }
  arrayBuffer(): Promise<ArrayBufferLike> {
    return Promise.resolve(this.bytes.slice().buffer);
  }
}

class Reader {
  readAsArrayBuffer({ bytes }: Bytes): ArrayBufferLike {
    return bytes.slice().buffer;
  }
}

const config = parseGemma3Config(known.config);
const CAPACITY = known.ids.length + 1;
let graph: Uint8Array;
let files: Map<string, Blob>;
beforeAll(async () => {
  const model = await selfTestModel();
  graph = model.graph;
  files = new Map([[DATA_FILE, new Bytes(model.data) as unknown as Blob]]);
});
beforeEach(() => {
  vi.stubGlobal('self', { crossOriginIsolated: false });
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
  vi.stubGlobal('FileReaderSync', Reader);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function open(asked: { ours: boolean; config?: Gemma3Config; cache?: CacheSize }) {
  const create = vi.spyOn(ort.InferenceSession, 'create');
  const graphs = new Map<SessionName, Uint8Array>([['model', graph]]);
  const onCreated = vi.fn();
  const opened = await openOnCpu({
    ort,
    graphs,
    files,
    config,
    cache: { capacity: CAPACITY, slack: 0 },
    onCreated,
    ...asked,
  });
  expect(onCreated).toHaveBeenCalledTimes(1);
  return { ...opened, made: create.mock.calls.length };
}

type Opened = Awaited<ReturnType<typeof open>>;

function decoderOf({ sessions, backend }: Pick<Opened, 'sessions' | 'backend'>): Decoder {
  const graph = () => {
    if (!sessions.model) throw new Error('nothing reads tokens');
    return new OrtBackend(ort, { decoder: sessions.model }, config, { capacity: CAPACITY, staticCache: true });
  };
  return new Decoder(backend ?? graph(), { capacity: CAPACITY, chunkSize: 20 });
}

async function distance(opened: Pick<Opened, 'sessions' | 'backend'>): Promise<number> {
  const it = decoderOf(opened);
  const first = await (await it.prefill({ ids: known.ids, pictures: [] })).lastRows();
  const second = await (await it.step(known.next)).lastRows();
  it.dispose();
  await opened.sessions.model?.release();
  const off = (wanted: readonly number[] = [], found: Float32Array) =>
    wanted.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (found[i] ?? NaN))), 0);
  return Math.max(off(known.logits[0], first), off(known.logits[1], second));
}

describe('a text model on the CPU', () => {
  it('needs no session where it is an export of ours', async () => {
    const opened = await open({ ours: true });
    expect(opened.backend).not.toBeNull();
    expect(opened.made).toBe(0);
    expect(await distance(opened)).toBeLessThan(1e-4);
  });

  it('has both where it is not, for the equivalence check', async () => {
    const opened = await open({ ours: false });
    expect(opened.backend).not.toBeNull();
    expect(opened.made).toBe(1);
    expect(await checkEquivalence(decoderOf(opened), decoderOf({ ...opened, backend: null }))).toBe(true);
    expect(await distance({ ...opened, backend: null })).toBeLessThan(1e-4);
    opened.backend?.dispose();
  });

  it('runs on onnxruntime where our kernels do not support it, or have no memory', async () => {
    const other = { ...config, text: { ...config.text, slidingWindow: 17 } };
    for (const asked of [{ config: other }, { cache: { capacity: 2 ** 26, slack: 0 } }]) {
      const opened = await open({ ours: true, ...asked });
      expect(opened.backend).toBeNull();
      expect(opened.made).toBe(1);
      expect(await distance(opened)).toBeLessThan(1e-4);
      vi.restoreAllMocks();
    }
  });
});
