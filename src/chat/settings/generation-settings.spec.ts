import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../../protocol/engine.ts';
import { DEFAULT_SAMPLING, isInRange } from '../../../protocol/sampling.ts';
import type { ConversationSettings } from '../../conversations/records.ts';
import {
  ownValue,
  resetSettings,
  changedSettings,
  rangeOf,
  modelDefault,
  readSetting,
  SETTINGS,
  withSetting,
} from './generation-settings.ts';

const settings: ConversationSettings = {
  model: null,
  system: 'Be brief.',
  sampling: { temperature: 0.5 },
  maxNewTokens: 64,
};
const model = {
  sampling: DEFAULT_SAMPLING,
} as LoadedModel;

describe('settings of answers', () => {
  it('are changed one at a time, and left to the model again', () => {
    expect(withSetting(settings, 'top_k', 5)).toEqual({ ...settings, sampling: { temperature: 0.5, top_k: 5 } });
    const left = withSetting(withSetting(settings, 'temperature', undefined), 'maxNewTokens', undefined);
    // Left out, not undefined: what is kept and sent has no such key.
    expect(Object.keys(left).sort()).toEqual(['model', 'sampling', 'system']);
    expect(left.sampling).toEqual({});
    expect(changedSettings(left)).toEqual([]);
  });

  it('go back to the model all at once; the rest stays', () => {
    expect(changedSettings(settings)).toEqual(['temperature', 'maxNewTokens']);
    expect(resetSettings(settings)).toEqual({ model: null, system: 'Be brief.', sampling: {} });
  });

  it("know the model's own", () => {
    expect(modelDefault(model, 'top_p')).toBe(0.95);
    expect(modelDefault(model, 'seed')).toBeUndefined();
    expect(modelDefault(model, 'maxNewTokens')).toBeUndefined();
    expect(modelDefault(null, 'top_p')).toBeUndefined();
  });

  it('never lose another setting, whatever is changed', () => {
    const changes = fc.array(
      fc.tuple(fc.constantFrom(...SETTINGS), fc.option(fc.double({ noNaN: true }), { nil: undefined })),
    );
    fc.assert(
      fc.property(changes, (list) => {
        const expected = new Map<string, number | undefined>();
        let changed: ConversationSettings = { system: '', sampling: {} };
        for (const [setting, value] of list) {
          changed = withSetting(changed, setting, value);
          expected.set(setting, value);
        }
        for (const setting of SETTINGS) expect(ownValue(changed, setting)).toBe(expected.get(setting));
      }),
    );
  });
});

describe('readSetting', () => {
  it('reads numbers as people write them', () => {
    for (const [typed, value] of [
      ['0.7', 0.7],
      ['0,7', 0.7],
      [' ,5 ', 0.5],
      ['1\u202f000', 1000],
      ['+2', 2],
      ['', undefined],
      ['  ', undefined],
    ] as const)
      expect(readSetting('temperature', typed), typed).toEqual({ value });
    expect(readSetting('seed', '\u221242')).toEqual({ value: -42 });
  });

  it('takes nothing else', () => {
    const wrong = [
      ['temperature', 'warm'],
      ['temperature', '1e3'],
      ['temperature', '1.000,5'],
      ['temperature', '-1'],
      ['top_k', '1.5'],
      ['top_p', '0'],
      ['maxNewTokens', '0'],
      ['seed', '9007199254740993'],
    ] as const;
    for (const [setting, typed] of wrong) expect(readSetting(setting, typed), typed).toBeNull();
  });

  it('lets nothing through that the engine refuses', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS), fc.oneof(fc.string(), fc.double().map(String)), (setting, typed) => {
        const read = readSetting(setting, typed);
        if (read?.value !== undefined) expect(isInRange(rangeOf(setting), read.value)).toBe(true);
      }),
    );
  });
});
