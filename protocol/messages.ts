/**
 * @file Messages between the page and the inference worker. A call carries an `id`, and so does every message about it:
 * any number of `progress` or `delta`, then exactly one `result` or `error`.
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

/** A call of the engine, by its type (engine.ts). */
export type Call =
  | { type: 'load'; model: string; options: LoadOptions }
  | { type: 'generate'; messages: Message[]; options: GenerateOptions }
  | { type: 'count'; messages: Message[]; options: Pick<GenerateOptions, 'continueAnswer'> }
  | { type: 'settled' }
  | { type: 'unload' }
  | { type: 'status' }
  | { type: 'inspect' };

/** Result of each call. */
export interface Results {
  load: LoadedModel;
  generate: Finish;
  count: ContextUse;
  settled: null;
  unload: null;
  status: EngineState;
  inspect: DeviceReport;
}

/** Messages from the page. An abort ends the call of that id. */
export type ToWorker = { id: number; call: Call } | { id: number; abort: true };

/** Messages from the worker. */
export type FromWorker =
  | { id: number; progress: LoadProgress }
  | { id: number; delta: string }
  | { id: number; result: Results[keyof Results] }
  | { id: number; error: { code: EngineErrorCode; detail: string } }
  /** Sent without a call: the GPU device is lost, and the model with it. */
  | { event: 'device-lost'; detail: string };
