import { describe, expect, it, vi } from 'vitest';
import { takeLessonFromAddress } from './lesson-address.ts';

function take(href: string) {
  const replaceState = vi.fn<History['replaceState']>();
  const found = takeLessonFromAddress({ href } as Location, { state: 'state', replaceState } as unknown as History);
  const [state, , url] = replaceState.mock.calls[0] ?? [];
  return { found, state, left: url && String(url) };
}

describe('a lesson in the address', () => {
  it.each(['lesson', 'preset'])('is taken out of the address after `%s=`', (name) => {
    expect(take(`https://fournil.example/app/?demo=1#${name}=abc`)).toEqual({
      found: { fragment: 'abc' },
      state: 'state',
      left: 'https://fournil.example/app/?demo=1',
    });
    expect(take(`https://fournil.example/app/?${name}=lessons%2Fa.json&demo=`)).toEqual({
      found: { address: 'lessons/a.json' },
      state: 'state',
      left: 'https://fournil.example/app/?demo=',
    });
  });

  it('comes from the fragment where there are both, and both leave the address', () => {
    expect(take('https://fournil.example/?preset=a.json&lesson=b.json#lesson=abc')).toEqual({
      found: { fragment: 'abc' },
      state: 'state',
      left: 'https://fournil.example/',
    });
  });

  it('is not there in other addresses, which stay as they are', () => {
    expect(take('https://fournil.example/?demo=shapes#conversation=1')).toEqual({ found: null });
  });
});
