/**
 * A summary of a conversation that is longer than the model's context, made by the model itself: part after part, each
 * with the summary of those before. It streams, can be stopped, and is the person's to change.
 */
import type { ContextUse, EngineError, Message } from '../../../protocol/engine.ts';
import { asEngineError, type ModelStore } from '../../models/model.svelte.ts';
import { Frames } from '../conversation/frames.ts';
import { planSummaryParts } from '../prompt/context-budget.ts';

type Engine = Pick<ModelStore, 'count' | 'generate' | 'ready'>;

export interface Wording {
  /** Asks for the summary. */
  ask: string;
  /** Stands before the summary of the parts before. */
  before: string;
}

export class Summary {
  text = $state('');
  /** Which part is being read, of how many; null when nothing is being made. */
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

  /** @param exchanges the conversation, a question and what follows it at a time. Never rejects: `error` tells. */
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
    // A summary is short, and there must be room for the one before it as well.
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
        // The likeliest words: a summary is no place for invention.
        await this.models.generate(messages, { sampling: { temperature: 0 }, maxNewTokens: length, onDelta, signal });
      } finally {
        frames.flush();
      }
    }
    this.text = this.text.trim();
  }

  private prompt(exchanges: readonly Message[][], before: string): Message[] {
    const told: Message[] = before.trim()
      ? [{ role: 'user', content: `${this.wording.before}\n${before.trim()}` }]
      : [];
    return [...told, ...exchanges.flat(), { role: 'user', content: this.wording.ask }];
  }

  private count(messages: Message[]): Promise<ContextUse | null> {
    return this.models.count(messages);
  }
}
