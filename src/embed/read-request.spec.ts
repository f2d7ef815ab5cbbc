import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOurs, REQUEST_LIMITS, readRequest } from './read-request.ts';

const ask = (fields: object) => readRequest({ fournil: 1, id: 'a', ...fields });
const hello = [{ role: 'user', content: 'Hello' }];

describe('a request of a host', () => {
  it('is taken with what it has, and nothing that it should not have', () => {
    const image = new Blob(['png']);
    const parts = [
      { type: 'text', text: 'What is it?', more: 1 },
      { type: 'image', image },
    ];
    const sampling = { temperature: 0, top_k: 5, seed: 1, unknown: 3 };
    expect(
      ask({
        type: 'generate',
        messages: [{ role: 'user', content: parts, more: 1 }],
        options: { sampling, maxNewTokens: 9, continueAnswer: false, more: 1 },
        more: 1,
      }),
    ).toEqual({
      id: 'a',
      asked: {
        type: 'generate',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is it?' },
              { type: 'image', image },
            ],
          },
        ],
        options: { sampling: { temperature: 0, top_k: 5, seed: 1 }, maxNewTokens: 9, continueAnswer: false },
      },
    });
    expect(ask({ type: 'count', messages: hello })).toMatchObject({ asked: { type: 'count', messages: hello } });
    expect(ask({ type: 'stop', request: 7 })).toEqual({ id: 'a', asked: { type: 'stop', request: 7 } });
    expect(ask({ id: 0, type: 'status' })).toEqual({ id: 0, asked: { type: 'status' } });
  });

  const generate = (fields: object) => ({ type: 'generate', messages: hello, ...fields });
  const content = (value: unknown) => generate({ messages: [{ role: 'user', content: value }] });
  const sampling = (value: object) => generate({ options: { sampling: value } });
  const circle: Record<string, unknown> = { role: 'user' };
  circle['content'] = [circle];
  const image = { type: 'image', image: new Blob(['x']) };

  it.each<[string, object]>([
    ['type', {}],
    ['type', { type: 'unload' }],
    ['type', { type: '__proto__' }],
    ['type', { type: ['load'] }],
    ['messages', { type: 'generate' }],
    ['messages', generate({ messages: 'Hello' })],
    ['messages', generate({ messages: [] })],
    ['messages', generate({ messages: { length: 3 } })],
    ['messages', generate({ messages: new Array(REQUEST_LIMITS.messages + 1).fill(hello[0]) })],
    ['messages[0]', generate({ messages: new Array(5) })],
    ['messages[1]', generate({ messages: [...hello, null] })],
    ['messages[0].role', generate({ messages: [{ role: 'tool', content: '' }] })],
    ['messages[0].role', generate({ messages: [[]].map(() => new Map()) })],
    ['messages[0].content', content(undefined)],
    ['messages[0].content', content(3)],
    ['messages[0].content', content([])],
    ['messages[0].content', content('a'.repeat(REQUEST_LIMITS.characters + 1))],
    ['messages[0].content[0]', content(['text'])],
    ['messages[0].content[0].type', content([{ type: 'audio' }])],
    ['messages[0].content[0].type', generate({ messages: [circle] })],
    ['messages[0].content[0].text', content([{ type: 'text', text: {} }])],
    ['messages[0].content[0].image', content([{ type: 'image', image: 'https://example.org/a.png' }])],
    [
      `messages[0].content[${REQUEST_LIMITS.pictures}].image`,
      content(new Array(REQUEST_LIMITS.pictures + 1).fill(image)),
    ],
    ['options', generate({ options: null })],
    ['options', generate({ options: [] })],
    ['options.sampling', generate({ options: { sampling: 'hot' } })],
    ['options.sampling.temperature', sampling({ temperature: NaN })],
    ['options.sampling.temperature', sampling({ temperature: -1 })],
    ['options.sampling.top_p', sampling({ top_p: '0.5' })],
    ['options.sampling.seed', sampling({ seed: 0.5 })],
    ['options.maxNewTokens', generate({ options: { maxNewTokens: 0 } })],
    ['options.maxNewTokens', generate({ options: { maxNewTokens: Infinity } })],
    ['options.continueAnswer', generate({ options: { continueAnswer: 1 } })],
    ['request', { type: 'stop' }],
    ['request', { type: 'stop', request: {} }],
  ])('that is wrong in %s is named there', (what, fields) => {
    expect(ask(fields)).toEqual({ id: 'a', wrong: 'bad-message', what });
  });

  it('without an id that can be said back gets an answer all the same', () => {
    for (const id of [undefined, null, '', 'a'.repeat(REQUEST_LIMITS.id + 1), 0.5, NaN, {}, true])
      expect(readRequest({ fournil: 1, id, type: 'status' })).toEqual({ id: null, wrong: 'bad-message', what: 'id' });
  });

  it('of another version is told so', () => {
    for (const fournil of [2, '1', null, undefined, {}])
      expect(readRequest({ fournil, id: 4, type: 'status' })).toMatchObject({ id: 4, wrong: 'unknown-version' });
  });

  it('is ours only if it says so', () => {
    for (const data of [null, undefined, 3, 'fournil', [], { type: 'load' }, new Map([['fournil', 1]])])
      expect(isOurs(data)).toBe(false);
    expect(isOurs({ fournil: undefined })).toBe(true);
  });

  it('whatever it is, never makes an exception', () => {
    const anything = fc.anything({ withMap: true, withSet: true, withBigInt: true, withNullPrototype: true });
    const type = fc.oneof(fc.constantFrom('status', 'load', 'count', 'generate', 'stop'), anything);
    const message = fc.oneof(anything, fc.record({ role: fc.constantFrom('user', 'x'), content: anything }));
    const messages = fc.oneof(anything, fc.array(message, { maxLength: 3 }));
    const data = fc.record({ id: anything, type, messages, options: anything, request: anything });
    fc.assert(
      fc.property(data, (fields) => {
        const read = readRequest({ fournil: 1, ...fields });
        expect('asked' in read || read.what !== '').toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
