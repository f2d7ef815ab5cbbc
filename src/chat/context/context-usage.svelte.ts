/**
 * How much of the model's context a conversation takes, as the engine itself counts it. It is asked once typing has
 * paused; while no model is ready it is not known, and never guessed.
 */
import type { ContextUse, Message } from '../../../protocol/engine.ts';
import { countPromptTokens, type TokenCounter } from '../prompt/count-tokens.ts';

const PAUSE_MS = 300;

/** Where the tokens of a prompt come from. What the chat format writes between turns counts as conversation. */
export interface TokenBreakdown {
  system: number;
  conversation: number;
  draft: number;
}

export class ContextUsage {
  /** Null while it is not known. */
  counts = $state.raw<ContextUse | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private latest = 0;

  constructor(private readonly models: TokenCounter) {}

  /** Soon, unless something else is to be measured before. */
  measure(messages: readonly Message[]): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.measureNow(messages), PAUSE_MS);
  }

  async measureNow(messages: readonly Message[]): Promise<void> {
    const asked = ++this.latest;
    // A broken picture, a model that sees none: the answer will say so, the usage just does not know.
    const counts = await countPromptTokens(this.models, messages).catch(() => null);
    if (asked === this.latest) this.counts = counts;
  }

  /** No model is ready. */
  clear(): void {
    clearTimeout(this.timer);
    this.latest++;
    this.counts = null;
  }

  /** @param hasDraft the last message is not sent yet. */
  async breakdown(messages: readonly Message[], hasDraft: boolean): Promise<TokenBreakdown | null> {
    const frame = { role: 'user', content: '' } as const;
    const system = messages[0]?.role === 'system' ? messages[0] : null;
    try {
      const [all, told, first, none] = await Promise.all([
        countPromptTokens(this.models, messages),
        countPromptTokens(this.models, hasDraft ? messages.slice(0, -1) : messages),
        countPromptTokens(this.models, system ? [system, frame] : [frame]),
        countPromptTokens(this.models, [frame]),
      ]);
      if (!all || !told || !first || !none) return null;
      const systemTokens = first.promptTokens - none.promptTokens;
      const draft = hasDraft ? Math.max(0, all.promptTokens - told.promptTokens) : 0;
      return { system: systemTokens, draft, conversation: all.promptTokens - systemTokens - draft };
    } catch {
      return null;
    }
  }
}
