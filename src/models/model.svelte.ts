/** The model in use: its state, and the promise of its being ready. */
import { EngineError, type LoadedModel, type LoadProgress } from '../../protocol/engine.ts';
import { EngineClient } from './engine-client.ts';

export type ModelState =
  | { is: 'loading'; progress: LoadProgress | null }
  | { is: 'ready'; model: LoadedModel }
  | { is: 'failed'; error: EngineError };

export const asEngineError = (cause: unknown): EngineError =>
  cause instanceof EngineError ? cause : new EngineError('internal', String(cause));

export class ModelStore {
  state = $state.raw<ModelState>({ is: 'loading', progress: null });
  readonly engine: EngineClient;
  private arrival: Promise<LoadedModel> | null = null;

  constructor(
    private readonly folder: string,
    engine = new EngineClient(),
  ) {
    this.engine = engine;
    engine.onDeviceLost = (detail) => {
      this.arrival = null;
      this.state = { is: 'failed', error: new EngineError('device-lost', detail) };
    };
  }

  /** Resolves once the model can answer; loads it if nobody did. @throws EngineError */
  ready(): Promise<LoadedModel> {
    this.arrival ??= this.load();
    return this.arrival;
  }

  private async load(): Promise<LoadedModel> {
    this.state = { is: 'loading', progress: null };
    try {
      const onProgress = (progress: LoadProgress) => (this.state = { is: 'loading', progress });
      const model = await this.engine.load(this.folder, { onProgress });
      this.state = { is: 'ready', model };
      return model;
    } catch (cause) {
      this.arrival = null;
      const error = asEngineError(cause);
      this.state = { is: 'failed', error };
      throw error;
    }
  }
}
