import { describe, expect, it } from 'vitest';
import { Damaged, Fields, textOr, timeOr } from './fields.ts';

const of = (value: object) => Fields.of(value, 'thing');

describe('fields', () => {
  it('are those of an object, and of nothing else', () => {
    for (const value of [null, undefined, 1, 'text', true, []]) {
      expect(() => Fields.of(value, 'thing')).toThrow(Damaged);
      expect(() => Fields.of(value, 'thing')).toThrow('thing is no object');
    }
  });

  it('are own ones only', () => {
    const value = JSON.parse('{"__proto__": {"harm": 1}}') as object;
    expect(of(value).get('harm')).toBeUndefined();
    expect(of({}).get('toString')).toBeUndefined();
    expect(of(Object.create({ a: 1 }) as object).get('a')).toBeUndefined();
  });

  it('are there unless they are missing or null', () => {
    expect(
      ['zero', 'empty', 'no', 'none', 'gone'].map((name) =>
        of({ zero: 0, empty: '', no: false, none: null }).has(name),
      ),
    ).toEqual([true, true, true, false, false]);
  });

  it('name what is wrong, and where', () => {
    expect(() =>
      of({ inner: { name: 5 } })
        .fields('inner')
        .string('name', 9),
    ).toThrow('thing.inner.name: ');
    expect(() => of({}).fail('name', 'too old')).toThrow('thing.name: too old');
    expect(new Damaged('x').name).toBe('Damaged');
  });

  it('have the type and size that are asked for', () => {
    const fields = of({ text: 'four', list: [1, 2], flag: false, number: 5, choice: 'b', none: null });
    expect(fields.string('text', 4)).toBe('four');
    expect(() => fields.string('text', 3)).toThrow('thing.text: no text, or too long');
    expect(() => fields.string('number', 9)).toThrow(Damaged);
    expect(fields.list('list', 2)).toEqual([1, 2]);
    expect(() => fields.list('list', 1)).toThrow('thing.list: no list, or too long');
    expect(() => fields.list('text', 9)).toThrow(Damaged);
    expect(fields.boolean('flag')).toBe(false);
    expect(() => fields.boolean('number')).toThrow('thing.number: neither true nor false');
    expect(fields.oneOf('choice', ['a', 'b'])).toBe('b');
    expect(() => fields.oneOf('choice', ['a'])).toThrow('thing.choice: not one of those known');
    expect(fields.nullable('none', () => 1)).toBeNull();
    expect(fields.nullable('text', () => 1)).toBe(1);
    expect(fields.nullable('gone', () => 1)).toBe(1);
  });

  it('are numbers within their range, its ends included', () => {
    const number = (value: unknown, ...range: [number?, number?]) => of({ value }).number('value', ...range);
    expect([number(0), number(2, 2, 3), number(3, 2, 3), number(Number.MAX_SAFE_INTEGER)]).toEqual([
      0,
      2,
      3,
      Number.MAX_SAFE_INTEGER,
    ]);
    for (const value of [-1, '1', NaN, Infinity, null, undefined])
      expect(() => number(value)).toThrow('no number in range');
    for (const value of [1.9, 3.1]) expect(() => number(value, 2, 3)).toThrow(Damaged);
  });

  it('are times until the year 9999, in whole milliseconds', () => {
    const time = (value: number) => of({ value }).time('value');
    expect([time(0), time(1.6), time(253_402_300_799_999)]).toEqual([0, 2, 253_402_300_799_999]);
    for (const value of [-1, 253_402_300_800_000]) expect(() => time(value)).toThrow(Damaged);
  });
});

describe('lenient reading', () => {
  it('takes a time in its unit, or another in its place', () => {
    expect(timeOr(1.5, 7, 1000)).toBe(1500);
    expect(timeOr(253_402_300_799_999, 7)).toBe(253_402_300_799_999);
    for (const value of [0, -1, '5', null, undefined, NaN, 253_402_300_800_000]) expect(timeOr(value, 7)).toBe(7);
    expect(timeOr(253_402_300_800, 7, 1000)).toBe(7);
  });

  it('takes a text, or another in its place', () => {
    expect([textOr('', 'x'), textOr('a', 'x'), textOr(1, 'x'), textOr(null, 'x')]).toEqual(['', 'a', 'x', 'x']);
  });
});
