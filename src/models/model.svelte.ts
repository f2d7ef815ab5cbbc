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
  private running = false;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly folder: string,
    engine = new EngineClient(),
  ) {
    this.engine = engine;
    engine.onGone = (error) => {
      this.state = { is: 'failed', error };
    };
  }

  /** Loads the model unless it is there or on its way. A failure is a state, not an exception: `state` tells of it. */
  async load(): Promise<void> {
    if (this.running || this.state.is === 'ready') return;
    this.running = true;
    this.state = { is: 'loading', progress: null };
    const onProgress = (progress: LoadProgress) => (this.state = { is: 'loading', progress });
    try {
      const model = await this.engine.load(this.folder, { onProgress });
      this.state = { is: 'ready', model };
    } catch (cause) {
      this.state = { is: 'failed', error: asEngineError(cause) };
    } finally {
      this.running = false;
    }
    if (this.state.is === 'ready') for (const arrived of this.waiting) arrived();
  }

  /**
   * Resolves once the model can answer. It may take several attempts: one that fails is shown with a way to try again,
   * and who waits here goes on waiting. @throws EngineError `aborted`
   */
  ready(signal: AbortSignal): Promise<void> {
    void this.load();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => () => {
        this.waiting = this.waiting.filter((other) => other !== arrived);
        signal.removeEventListener('abort', aborted);
        outcome();
      };
      const arrived = settle(resolve);
      const aborted = settle(() => reject(new EngineError('aborted')));
      if (signal.aborted) aborted();
      else if (this.state.is === 'ready') resolve();
      else {
        this.waiting.push(arrived);
        signal.addEventListener('abort', aborted);
      }
    });
  }
}
