/**
 * The messages between the page and the inference worker. A call carries an `id`; everything about it carries it back.
 * One call has any number of `progress` or `delta` messages and exactly one `result` or `error`.
 */
import type {
  ContextUse,
  DeviceReport,
  EngineErrorCode,
  EngineState,
  Finish,
  GenerateOptions,
  LoadedModel,
  LoadOptions,
  LoadProgress,
  Message,
} from './engine.ts';

export type Call =
  | { type: 'load'; model: string; options: LoadOptions }
  | { type: 'generate'; messages: Message[]; options: GenerateOptions }
  | { type: 'count'; messages: Message[]; options: Pick<GenerateOptions, 'continueAnswer'> }
  | { type: 'settled' }
  | { type: 'unload' }
  | { type: 'status' }
  | { type: 'inspect' };

/** What each call resolves to. */
export interface Results {
  load: LoadedModel;
  generate: Finish;
  count: ContextUse;
  settled: null;
  unload: null;
  status: EngineState;
  inspect: DeviceReport;
}

export type ToWorker = { id: number; call: Call } | { id: number; abort: true };

export type FromWorker =
  | { id: number; progress: LoadProgress }
  | { id: number; delta: string }
  | { id: number; result: Results[keyof Results] }
  | { id: number; error: { code: EngineErrorCode; detail: string } }
  /** Nobody asked: the GPU went away, and the model with it. */
  | { event: 'device-lost'; detail: string };
