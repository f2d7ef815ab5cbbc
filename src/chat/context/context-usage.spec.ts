import { describe, expect, it, vi } from 'vitest';
import { type ContextUse, EngineError, type Message } from '../../../protocol/engine.ts';
import { ContextUsage } from './context-usage.svelte.ts';

/** Counts like the engine: a token for each word and 4 for each turn; it refuses prompts that it could not answer. */
function engine() {
  const asked: Message[][] = [];
  const count = (messages: Message[], { continueAnswer = false } = {}): Promise<ContextUse> => {
    asked.push(messages);
    const last = messages.at(-1);
    if (last?.role !== (continueAnswer ? 'assistant' : 'user')) return Promise.reject(new EngineError('bad-request'));
    const words = messages.flatMap(({ content }) => String(content).split(' ').filter(Boolean));
    const turns = messages.filter(({ role }) => role !== 'system').length;
    return Promise.resolve({ promptTokens: words.length + 4 * turns, reusedTokens: 0, contextTokens: 100 });
  };
  return { asked, count };
}

const system: Message = { role: 'system', content: 'be very brief' };
const question: Message = { role: 'user', content: 'one two' };
const answer: Message = { role: 'assistant', content: 'three' };
const draft: Message = { role: 'user', content: 'four five six' };

describe('ContextUsage', () => {
  it('counts conversations of all kinds: none yet, with an answer last, with a draft', async () => {
    const usage = new ContextUsage(engine());
    const tokens = async (messages: Message[]) => {
      await usage.measureNow(messages);
      return usage.counts?.promptTokens;
    };
    expect(await tokens([])).toBe(4);
    expect(await tokens([system])).toBe(7);
    expect(await tokens([question, answer])).toBe(11);
    // An answer that has not begun is no part of the prompt.
    expect(await tokens([question, { role: 'assistant', content: '' }])).toBe(6);
    expect(await tokens([system, question, answer, draft])).toBe(21);
  });

  it('asks once typing has paused, for what was written last', async () => {
    vi.useFakeTimers();
    const { asked, count } = engine();
    const usage = new ContextUsage({ count });
    for (const content of ['a', 'a b', 'a b c']) usage.measure([{ role: 'user', content }]);
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect(asked).toEqual([[{ role: 'user', content: 'a b c' }]]);
    expect(usage.counts?.promptTokens).toBe(7);
  });

  it('takes no older count for a newer one, and none for a guess', async () => {
    const replies: ((use: ContextUse | null) => void)[] = [];
    const usage = new ContextUsage({ count: () => new Promise((resolve) => replies.push(resolve)) });
    const first = usage.measureNow([question]);
    const second = usage.measureNow([draft]);
    replies[1]?.({ promptTokens: 2, reusedTokens: 0, contextTokens: 100 });
    replies[0]?.({ promptTokens: 1, reusedTokens: 0, contextTokens: 100 });
    await Promise.all([first, second]);
    expect(usage.counts?.promptTokens).toBe(2);
    const none = usage.measureNow([question]);
    replies[2]?.(null);
    await none;
    expect(usage.counts).toBeNull();
  });

  it('does not know where the engine refuses', async () => {
    const usage = new ContextUsage({ count: () => Promise.reject(new EngineError('pictures-unsupported')) });
    await usage.measureNow([question]);
    expect(usage.counts).toBeNull();
    expect(await usage.breakdown([question], true)).toBeNull();
  });

  it('says where the tokens come from, and they sum up', async () => {
    const usage = new ContextUsage(engine());
    expect(await usage.breakdown([system, question, answer, draft], true)).toEqual({
      system: 3,
      conversation: 11,
      draft: 7,
    });
    expect(await usage.breakdown([question, answer], false)).toEqual({ system: 0, conversation: 11, draft: 0 });
  });
});
