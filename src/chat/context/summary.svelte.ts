/**
 * Summarises a conversation of any length with the model itself: part by part, each with the summary of the parts
 * before it. The summary streams, can be stopped, and can be edited.
 */
import type { ContextUse, EngineError, Message } from '../../../protocol/engine.ts';
import { asEngineError, type ModelStore } from '../../models/model.svelte.ts';
import { Frames } from '../conversation/frames.ts';
import { planSummaryParts } from '../prompt/context-budget.ts';

type Engine = Pick<ModelStore, 'count' | 'generate' | 'ready'>;

export interface Wording {
  /** The request for a summary. */
  ask: string;
  /** Introduces the summary of the parts before. */
  before: string;
}

export class Summary {
  text = $state('');
  /** The part that is being summarised; null when none is. */
  part = $state.raw<{ number: number; of: number } | null>(null);
  busy = $state(false);
  error = $state.raw<EngineError | null>(null);
  private running: AbortController | null = null;

  constructor(
    private readonly models: Engine,
    private readonly wording: Wording,
  ) {}

  stop(): void {
    this.running?.abort();
  }

  /** Never rejects; a failure is in `error`. @param exchanges each a question with the turns that follow it */
  async make(exchanges: readonly Message[][]): Promise<void> {
    this.stop();
    const controller = new AbortController();
    this.running = controller;
    this.text = '';
    this.error = null;
    this.busy = true;
    try {
      await this.sumUp(exchanges, controller.signal);
    } catch (cause) {
      const error = asEngineError(cause);
      if (this.running === controller && error.code !== 'aborted') this.error = error;
    }
    if (this.running !== controller) return;
    this.busy = false;
    this.part = null;
  }

  private async sumUp(exchanges: readonly Message[][], signal: AbortSignal): Promise<void> {
    await this.models.ready(signal);
    const context = await this.count([{ role: 'user', content: this.wording.ask }]);
    if (!context) return;
    // An eighth of the context is enough for a summary, and the previous one must fit as well.
    const length = Math.ceil(context.contextTokens / 8);
    const limit = context.contextTokens - 2 * length;
    const tokensOf = async (from: number, to: number) =>
      (await this.count(this.prompt(exchanges.slice(from, to), '')))?.promptTokens ?? 0;
    const ends = await planSummaryParts(exchanges.length, limit, tokensOf);
    let from = 0;
    for (const [index, end] of ends.entries()) {
      if (signal.aborted) return;
      this.part = { number: index + 1, of: ends.length };
      const messages = this.prompt(exchanges.slice(from, end), this.text);
      from = end;
      this.text = '';
      const frames = new Frames((text) => (this.text += text));
      const onDelta = (text: string) => frames.push(text);
      try {
        // Greedy decoding, so that nothing is invented.
        await this.models.generate(messages, { sampling: { temperature: 0 }, maxNewTokens: length, onDelta, signal });
      } finally {
        frames.flush();
      }
    }
    this.text = this.text.trim();
  }

  private prompt(exchanges: readonly Message[][], before: string): Message[] {
    const context: Message[] = before.trim()
      ? [{ role: 'user', content: `${this.wording.before}\n${before.trim()}` }]
      : [];
    return [...context, ...exchanges.flat(), { role: 'user', content: this.wording.ask }];
  }

  private count(messages: Message[]): Promise<ContextUse | null> {
    return this.models.count(messages);
  }
}
