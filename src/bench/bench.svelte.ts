/** State of bench.html: the available models, the running round, and the result. */
import type { BenchModel, BenchResult, BenchRound } from '../../protocol/bench.ts';
import { rowsOf } from '../../protocol/bench-rows.ts';
import type { Device } from '../../protocol/engine.ts';
import { StoreClient } from '../models/store-client.ts';
import { benchPage } from './bench-page.ts';

const MIB = 2 ** 20;
export const ROUNDS = 3;
const ENGINE = 'fournil';

type Choice = Pick<BenchModel, 'base' | 'name' | 'dtype'>;
const BUILT_IN: Choice = { base: new URL('models/', document.baseURI).href, name: 'built-in', dtype: 'q4' };

export class Bench {
  models = $state.raw<readonly Choice[]>([BUILT_IN]);
  name = $state(BUILT_IN.name);
  device = $state<Device>('webgpu');
  /** The running round, from 1; 0 while the heap is measured; null if nothing runs. */
  round = $state<number | null>(null);
  result = $state.raw<BenchResult | null>(null);
  failure = $state<string | null>(null);

  /** Adds the models in the browser's storage. */
  async start(): Promise<void> {
    const stored = await new StoreClient().call('list', {}).catch(() => []);
    const whole = stored.filter(({ complete }) => complete);
    this.models = [BUILT_IN, ...whole.map(({ key, dtype }) => ({ base: 'stored:', name: key, dtype }))];
  }

  async run(): Promise<void> {
    const model = this.models.find(({ name }) => name === this.name);
    if (this.round !== null || !model) return;
    this.failure = null;
    this.result = null;
    try {
      this.result = await this.measure({ ...model, device: this.device });
    } catch (cause) {
      this.failure = cause instanceof Error ? cause.message : String(cause);
    } finally {
      this.round = null;
    }
  }

  private async measure(model: BenchModel): Promise<BenchResult> {
    const job = { entry: null, model };
    this.round = 0;
    const machine = await benchPage.machine();
    const heap = await benchPage.heap(job);
    const rounds: BenchRound[] = [];
    for (this.round = 1; this.round <= ROUNDS; this.round++) rounds.push(await benchPage.round(job));
    const last = rounds.at(-1);
    if (!last) throw new Error('nothing was measured');
    const samples = rounds.map((each) => each.samples);
    const skipped = [...last.skipped];
    if (heap === null) skipped.push('JS heap: the browser did not tell its size');
    else samples.push([{ measure: 'JS heap', unit: 'MiB', values: [heap / MIB] }]);
    const { version, onnxruntime, threads } = last.about;
    return {
      environment: { ...machine, engines: { [ENGINE]: { version, onnxruntime, threads } }, skipped },
      rows: rowsOf({ engine: ENGINE, model: `${model.name} ${model.dtype}`, device: model.device }, samples),
    };
  }
}
