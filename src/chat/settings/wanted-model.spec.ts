import { describe, expect, it } from 'vitest';
import { wantedModel, withoutModel } from './wanted-model.ts';

const big = { key: 'big', id: 'someone/big' };
const settings = { system: 'Be brief.', sampling: {} };

describe('wantedModel', () => {
  it('is the open one, unless the conversation asks for another', () => {
    expect(wantedModel(settings, big, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...settings, model: null }, null, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...settings, model: { ...big } }, big, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...settings, model: null }, big, [])).toEqual({ is: 'other', model: null });
    expect(wantedModel({ ...settings, model: big }, null, [{ key: 'big', complete: true }])).toEqual({
      is: 'other',
      model: big,
    });
  });

  it('may be gone, or not all there; before that is known it is taken to be there', () => {
    expect(wantedModel({ ...settings, model: big }, null, [])).toEqual({ is: 'gone', model: big });
    expect(wantedModel({ ...settings, model: big }, null, [{ key: 'big', complete: false }]).is).toBe('gone');
    expect(wantedModel({ ...settings, model: big }, null, null).is).toBe('other');
  });

  it('can be let go, and nothing else with it', () => {
    expect(withoutModel({ ...settings, model: big })).toEqual(settings);
  });
});
