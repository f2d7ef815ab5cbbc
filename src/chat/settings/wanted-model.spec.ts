import { describe, expect, it } from 'vitest';
import { wantedModel, withOpenModel } from './wanted-model.ts';

const big = { key: 'big', id: 'someone/big' };
const setup = { system: 'Be brief.', sampling: {} };

describe('wantedModel', () => {
  it('is the open one, unless the conversation asks for another', () => {
    expect(wantedModel(setup, big, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...setup, model: null }, null, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...setup, model: { ...big } }, big, [])).toEqual({ is: 'open' });
    expect(wantedModel({ ...setup, model: null }, big, [])).toEqual({ is: 'other', model: null });
    expect(wantedModel({ ...setup, model: big }, null, [{ key: 'big', complete: true }])).toEqual({
      is: 'other',
      model: big,
    });
  });

  it('may be gone, or not all there; before that is known it is taken to be there', () => {
    expect(wantedModel({ ...setup, model: big }, null, [])).toEqual({ is: 'gone', model: big });
    expect(wantedModel({ ...setup, model: big }, null, [{ key: 'big', complete: false }]).is).toBe('gone');
    expect(wantedModel({ ...setup, model: big }, null, null).is).toBe('other');
  });

  it('can be let go, and nothing else with it', () => {
    expect(withOpenModel({ ...setup, model: big })).toEqual(setup);
  });
});
