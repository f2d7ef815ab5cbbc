import { expect, it } from 'vitest';
import { EngineError } from './engine.ts';
import { storedKey, storedModel, StoreError } from './store.ts';

it('tells stored models from addresses', () => {
  expect(storedModel('org~model_q4_abc')).toBe('stored:org~model_q4_abc');
  expect(storedKey(storedModel('org~model_q4_abc'))).toBe('org~model_q4_abc');
  expect(storedKey('https://a.test/stored:x')).toBeNull();
  expect(storedKey('stored')).toBeNull();
  expect(storedKey('stored:')).toBe('');
});

for (const [name, make] of [
  ['StoreError', (detail?: string) => new StoreError('network', detail)],
  ['EngineError', (detail?: string) => new EngineError('network', detail)],
] as const)
  it(`names the code and the detail of a ${name}`, () => {
    expect(make('why')).toMatchObject({ name, code: 'network', detail: 'why', message: 'network: why' });
    expect(make()).toMatchObject({ name, code: 'network', detail: '', message: 'network' });
    expect(make()).toBeInstanceOf(Error);
  });
