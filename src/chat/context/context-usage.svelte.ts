/**
 * How much of the model's context a conversation uses, as the engine counts it. The engine is asked once typing has
 * paused. While no model is ready the usage is unknown; it is never estimated.
 */
import type { ContextUse, Message } from '../../../protocol/engine.ts';
import { countPromptTokens, type TokenCounter } from '../prompt/count-tokens.ts';

const PAUSE_MS = 300;

/** How the tokens of a prompt divide. The chat template's own tokens count as conversation. */
export interface TokenBreakdown {
  system: number;
  conversation: number;
  draft: number;
}

export class ContextUsage {
  /** Null while unknown. */
  counts = $state.raw<ContextUse | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private latest = 0;

  constructor(private readonly models: TokenCounter) {}

  /** Counts after a pause; a newer call replaces this one. */
  measure(messages: readonly Message[]): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.measureNow(messages), PAUSE_MS);
  }

  async measureNow(messages: readonly Message[]): Promise<void> {
    const asked = ++this.latest;
    // Counting fails for a broken picture or a model without vision. The answer reports that; the usage is unknown.
    const counts = await countPromptTokens(this.models, messages).catch(() => null);
    if (asked === this.latest) this.counts = counts;
  }

  /** Forgets the counts, since no model is ready. */
  clear(): void {
    clearTimeout(this.timer);
    this.latest++;
    this.counts = null;
  }

  /** @param hasDraft whether the last message is the draft */
  async breakdown(messages: readonly Message[], hasDraft: boolean): Promise<TokenBreakdown | null> {
    const frame = { role: 'user', content: '' } as const;
    const system = messages[0]?.role === 'system' ? messages[0] : null;
    try {
      const [all, sent, first, none] = await Promise.all([
        countPromptTokens(this.models, messages),
        countPromptTokens(this.models, hasDraft ? messages.slice(0, -1) : messages),
        countPromptTokens(this.models, system ? [system, frame] : [frame]),
        countPromptTokens(this.models, [frame]),
      ]);
      if (!all || !sent || !first || !none) return null;
      const systemTokens = first.promptTokens - none.promptTokens;
      const draft = hasDraft ? Math.max(0, all.promptTokens - sent.promptTokens) : 0;
      return { system: systemTokens, draft, conversation: all.promptTokens - systemTokens - draft };
    } catch {
      return null;
    }
  }
}
