import { readFileSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, type Lesson, LESSON_BYTES, LESSON_COLOURS, LESSON_ERRORS, LessonError } from './lesson.ts';
import { parseLesson, readLesson, readLessonFile, writeLesson } from './read-lesson.ts';

const schema = JSON.parse(readFileSync('public/lessons/lesson.schema.json', 'utf8')) as object;
const published = new Validator(schema, '2020-12');

const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const WHOLE = {
  format: 'fournil-lesson',
  version: 1,
  title: 'Shapes & colours',
  description: 'Two sentences. For who chooses.',
  language: 'en',
  colour: 'teal',
  needs: ['language', 'pictures'],
  system: 'You are a patient teacher.\nAnswer in two sentences.',
  model: { id: 'built-in', source: 'owner/name' },
  sampling: { temperature: 0.7, top_k: 40, top_p: 0.9, min_p: 0.05, repetition_penalty: 1.1, seed: 7 },
  maxNewTokens: 300,
  starters: [{ text: 'What is this?', pictures: [0, 1] }, { text: 'Begin.' }],
  pictures: [
    { name: 'dot.png', src: PNG },
    { name: 'shapes.png', src: 'examples/shapes.png' },
  ],
};
const LEAST = { format: 'fournil-lesson', version: 1, title: 'T', language: 'fr', colour: 'clay' };

const refusal = (value: unknown): string => {
  try {
    readLesson(value);
    return 'accepted';
  } catch (error) {
    if (error instanceof LessonError) return error.message;
    throw error;
  }
};

/** Each with what is wrong about it; the schema refuses them too. */
const REFUSED: [change: object, message: string][] = [
  [{ format: 'other' }, 'not-a-lesson'],
  [{ version: 2 }, 'newer: 2'],
  [{ version: '1' }, 'field: version'],
  [{ version: 0 }, 'field: version'],
  [{ title: undefined }, 'field: title'],
  [{ title: ' ' }, 'field: title'],
  [{ title: 'two\nlines' }, 'field: title'],
  [{ title: 'turned \u202e round' }, 'field: title'],
  [{ title: 'x'.repeat(LIMITS.title + 1) }, 'field: title'],
  [{ title: { toString: 'x' } }, 'field: title'],
  [{ description: 'x'.repeat(LIMITS.description + 1) }, 'field: description'],
  [{ language: 'xx' }, 'field: language'],
  [{ language: ['en'] }, 'field: language'],
  [{ colour: 'red; background: url(https://example.org)' }, 'field: colour'],
  [{ colour: 'constructor' }, 'field: colour'],
  [{ needs: 'language' }, 'field: needs'],
  [{ needs: ['wings'] }, 'field: needs'],
  [{ system: 7 }, 'field: system'],
  [{ system: 'x'.repeat(LIMITS.system + 1) }, 'field: system'],
  [{ model: 'built-in' }, 'field: model'],
  [{ model: {} }, 'field: model.id'],
  [{ model: { id: 'a', source: '' } }, 'field: model.source'],
  [{ sampling: [] }, 'field: sampling'],
  [{ sampling: { temperature: -1 } }, 'field: sampling.temperature'],
  [{ sampling: { temperature: '1' } }, 'field: sampling.temperature'],
  [{ sampling: { top_k: 1.5 } }, 'field: sampling.top_k'],
  [{ sampling: { top_p: 0 } }, 'field: sampling.top_p'],
  [{ sampling: { min_p: 2 } }, 'field: sampling.min_p'],
  [{ sampling: { repetition_penalty: 0 } }, 'field: sampling.repetition_penalty'],
  [{ sampling: { top_k: 2 ** 53 } }, 'field: sampling.top_k'],
  [{ sampling: { seed: 2 ** 53 } }, 'field: sampling.seed'],
  [{ sampling: { seed: 0.5 } }, 'field: sampling.seed'],
  [{ maxNewTokens: 0 }, 'field: maxNewTokens'],
  [{ maxNewTokens: 1e9 }, 'field: maxNewTokens'],
  [{ starters: {} }, 'field: starters'],
  [{ starters: ['Begin.'] }, 'field: starters[0]'],
  [{ starters: [{ text: '' }] }, 'field: starters[0].text'],
  [{ starters: [{ text: 'x', pictures: [-1] }] }, 'field: starters[0].pictures'],
  [{ starters: Array(25).fill({ text: 'x' }) }, 'field: starters'],
  [{ pictures: [null] }, 'field: pictures[0]'],
  [{ pictures: [{ name: '', src: PNG }] }, 'field: pictures[0].name'],
  ...[
    'https://example.org/a.png',
    '//example.org/a.png',
    '/a.png',
    '../a.png',
    'a/../../b.png',
    './a.png',
    'a\\b.png',
    'javascript:alert(1)//.png',
    'blob:a.png',
    'a%2f..%2fb.png',
    'a.png?x=1',
    'picture.svg',
    'data:image/svg+xml;base64,iVBORw0KGgo',
    'data:text/html;base64,iVBORw0KGgoA',
    'data:image/png;base64,/9j/AAAA',
    'data:image/png;base64,iVBORw0KGgo"><script>',
    '',
  ].map((src): [object, string] => [{ pictures: [{ name: 'p', src }] }, 'field: pictures[0].src']),
];

describe('readLesson', () => {
  it('takes a whole lesson and one with the least, and fills in what is left out', () => {
    expect(readLesson(WHOLE)).toEqual({ ...WHOLE, starters: [WHOLE.starters[0], { text: 'Begin.', pictures: [] }] });
    expect(readLesson(LEAST)).toEqual({
      ...LEAST,
      description: '',
      system: '',
      needs: [],
      sampling: {},
      starters: [],
      pictures: [],
    });
    for (const colour of LESSON_COLOURS) expect(readLesson({ ...LEAST, colour }).colour).toBe(colour);
  });

  it('takes the format under the name it had before version 0.2.0, and gives it the new one', () => {
    const old = { ...LEAST, format: 'fournil-preset' };
    expect(readLesson(old)).toEqual(readLesson(LEAST));
    expect(writeLesson(readLesson(old))).toContain('"fournil-lesson"');
    expect(published.validate(old).valid).toBe(true);
  });

  it('keeps the known fields alone', () => {
    const more = JSON.parse(
      JSON.stringify({ ...LEAST, onload: 'alert(1)' }).replace('{', '{"__proto__": {"harmed": true},'),
    ) as object;
    const lesson = readLesson(more);
    expect(Object.keys(lesson)).not.toContain('onload');
    expect('harmed' in lesson).toBe(false);
  });

  it('counts characters, not their units', () => {
    expect(readLesson({ ...LEAST, title: '🥖'.repeat(LIMITS.title) }).title).toHaveLength(2 * LIMITS.title);
  });

  for (const [change, message] of REFUSED)
    it(`refuses ${JSON.stringify(change).slice(0, 80)}`, () => {
      expect(refusal({ ...WHOLE, starters: [], ...change })).toBe(message);
    });

  it('refuses pictures that a starter names and that are not there', () => {
    expect(refusal({ ...LEAST, starters: [{ text: 'x', pictures: [0] }] })).toBe('field: starters[0].pictures');
  });

  it('refuses what is no JSON, no lesson, or too large', async () => {
    for (const value of [null, 1, 'text', [], {}, [WHOLE]]) expect(refusal(value)).toBe('not-a-lesson');
    expect(() => parseLesson('{"format":')).toThrow('not-json');
    await expect(readLessonFile({ size: LESSON_BYTES + 1 } as Blob)).rejects.toThrow('too-large');
  });
});

describe('the published schema', () => {
  it('takes what the app takes', () => {
    for (const value of [WHOLE, LEAST]) expect(published.validate(value)).toEqual({ valid: true, errors: [] });
  });

  it('refuses what the app refuses', () => {
    for (const [change, message] of REFUSED) {
      const value: unknown = JSON.parse(JSON.stringify({ ...WHOLE, starters: [], ...change }));
      expect(published.validate(value).valid, `${message} ${JSON.stringify(change).slice(0, 80)}`).toBe(false);
    }
  });
});

/** A value put somewhere into a whole lesson, or taken out of it. */
type Path = (string | number)[];
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}
function changed(path: Path, to: unknown): unknown {
  if (path.length === 0) return to ?? null;
  const copy = structuredClone(WHOLE) as unknown as Record<string, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  const last = String(path.at(-1));
  if (to === undefined) Reflect.deleteProperty(at, last);
  else at[last] = to;
  // What JSON cannot say does not come from outside.
  return JSON.parse(JSON.stringify(copy));
}
const mutation = fc.tuple(
  fc.constantFrom(...pathsOf(WHOLE)),
  fc.oneof(
    fc.jsonValue(),
    fc.constant(undefined),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.constantFrom('<img src=x onerror=alert(1)>', 'javascript:alert(1)', '\u0000', 'x'.repeat(9000), 1e308, -0),
  ),
);

describe('malformed lessons', () => {
  it('harm nothing: what is taken is whole, what is refused has a reason', () => {
    fc.assert(
      fc.property(mutation, ([path, to]) => {
        const value = changed(path, to);
        let lesson: Lesson;
        try {
          lesson = readLesson(value);
        } catch (error) {
          expect(error).toBeInstanceOf(LessonError);
          expect(LESSON_ERRORS).toContain((error as LessonError).code);
          return;
        }
        // What was taken is taken again, unchanged, after a save.
        expect(parseLesson(writeLesson(lesson))).toEqual(lesson);
      }),
      { numRuns: 1000 },
    );
  });

  it('are refused by the schema too, and only those', () => {
    fc.assert(
      fc.property(mutation, ([path, to]) => {
        const value = changed(path, to);
        const message = refusal(value);
        // That a picture is there, no schema can say.
        if (/^field: starters\[\d\]\.pictures$/.test(message)) return;
        expect(published.validate(value).valid, message).toBe(message === 'accepted');
      }),
      { numRuns: 1000 },
    );
  });

  it('are cut and changed texts as well', () => {
    const json = writeLesson(readLesson(WHOLE));
    fc.assert(
      fc.property(fc.nat(json.length), fc.nat(40), fc.string({ unit: 'binary', maxLength: 10 }), (at, cut, put) => {
        try {
          parseLesson(json.slice(0, at) + put + json.slice(at + cut));
        } catch (error) {
          expect(error).toBeInstanceOf(LessonError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
