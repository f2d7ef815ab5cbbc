import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type ContextUse, EngineError, type Finish, type Message } from '../../../protocol/engine.ts';
import { Summary } from './summary.svelte.ts';

const wording = { ask: 'Sum up.', before: 'Before:' };
const exchange = (n: number): Message[] => [
  { role: 'user', content: `question ${n}` },
  { role: 'assistant', content: `answer ${n}` },
];
const words = (messages: Message[]) => messages.flatMap(({ content }) => String(content).split(/\s/)).length;

function engine(contextTokens: number, answers: (string | Error)[]) {
  const asked: Message[][] = [];
  const models = {
    ready: () => Promise.resolve(),
    count: (messages: Message[]): Promise<ContextUse> =>
      Promise.resolve({ promptTokens: words(messages), reusedTokens: 0, contextTokens }),
    generate: (messages: Message[], { onDelta, signal }: { onDelta: (text: string) => void; signal: AbortSignal }) => {
      asked.push(messages);
      const answer = answers.shift();
      if (answer instanceof Error) return Promise.reject(answer);
      onDelta(answer ?? '');
      return Promise.resolve({ reason: signal.aborted ? 'aborted' : 'stop' } as Finish);
    },
  };
  return { asked, models };
}

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run));
  vi.stubGlobal('cancelAnimationFrame', clearTimeout);
});

describe('Summary', () => {
  it('is asked for at the end of the conversation', async () => {
    const { asked, models } = engine(1000, [' Two questions. ']);
    const summary = new Summary(models, wording);
    await summary.make([exchange(1), exchange(2)]);
    expect(asked).toEqual([[...exchange(1), ...exchange(2), { role: 'user', content: 'Sum up.' }]]);
    expect(summary).toMatchObject({ text: 'Two questions.', busy: false, part: null, error: null });
  });

  it('of a conversation that does not fit is made of its parts, each with what was before', async () => {
    // 16 tokens, less twice 2 for summaries: two exchanges of 4 words and the question of 2 fit.
    const { asked, models } = engine(16, ['First.', 'Second.', 'Third.']);
    const summary = new Summary(models, wording);
    await summary.make([1, 2, 3, 4, 5].map(exchange));
    expect(asked.map((messages) => messages.length)).toEqual([5, 6, 4]);
    expect(asked[1]?.[0]).toEqual({ role: 'user', content: 'Before:\nFirst.' });
    expect(asked[2]?.slice(0, 2)).toEqual([{ role: 'user', content: 'Before:\nSecond.' }, exchange(5)[0]]);
    expect(summary.text).toBe('Third.');
  });

  it('says what went wrong, and can be made again', async () => {
    const { models } = engine(1000, [new EngineError('out-of-memory'), 'Fine.']);
    const summary = new Summary(models, wording);
    await summary.make([exchange(1)]);
    expect(summary).toMatchObject({ busy: false, error: { code: 'out-of-memory' } });
    await summary.make([exchange(1)]);
    expect(summary).toMatchObject({ text: 'Fine.', error: null });
  });

  it('keeps what there is when it is stopped', async () => {
    const { models } = engine(1000, ['Half a']);
    const summary: Summary = new Summary(models, wording);
    const { generate } = models;
    models.generate = (messages, options) => {
      summary.stop();
      return generate(messages, options);
    };
    await summary.make([exchange(1)]);
    expect(summary).toMatchObject({ text: 'Half a', busy: false, error: null });
  });
});
