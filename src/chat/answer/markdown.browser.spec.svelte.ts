import fc from 'fast-check';
import { flushSync, mount, unmount } from 'svelte';
import { describe, expect, it, onTestFinished } from 'vitest';
import AnswerText from './AnswerText.svelte';
import { MarkdownChunks } from './chunks.ts';
import { CORPUS } from './testing/corpus.ts';
import { options, renderMarkdown, type Tools } from './markdown.ts';

const tools: Tools = { highlight: null, typeset: null, copy: 'Copy' };

/** The visible content, without white space between blocks. */
function seen(...contents: Node[]): string {
  const holder = document.createElement('div');
  holder.append(...contents);
  holder.normalize();
  for (const child of [...holder.childNodes]) if (child instanceof Text && child.data.trim() === '') child.remove();
  return holder.innerHTML.replace(/>\s*\n\s*</g, '><');
}

const whole = (text: string) => seen(renderMarkdown(text, {}, tools).content);

/** Streams the text in these cuts and renders the chunks. */
function streamed(text: string, cuts: readonly number[]): string {
  const chunks = new MarkdownChunks(options);
  for (const cut of [...cuts].sort((a, b) => a - b)) chunks.update(text.slice(0, cut));
  const list = chunks.update(text);
  return seen(...list.map(({ source }) => renderMarkdown(source, chunks.links, tools).content));
}

describe('an answer that streams', () => {
  it.each(CORPUS)('ends as the whole: %#', (text) => {
    expect(
      streamed(
        text,
        [...text].map((_, i) => i),
      ),
    ).toBe(whole(text));
  });

  it('ends as the whole, whatever is put together and however it is cut', () => {
    const text = fc
      .array(fc.constantFrom(...CORPUS), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('\n\n'));
    fc.assert(
      fc.property(text, fc.array(fc.nat(2000), { maxLength: 40 }), (answer, cuts) => {
        expect(streamed(answer, cuts)).toBe(whole(answer));
      }),
      { numRuns: 200 },
    );
  });

  it('touches only its end: what is finished stays the same object', () => {
    const chunks = new MarkdownChunks(options);
    const paragraph = 'Le fournil est la pièce où l’on cuit le pain, avec **soin**.\n\n';
    let text = '';
    let before = chunks.update(text);
    for (let i = 0; i < 700; i++) {
      text += paragraph;
      const after = chunks.update(text);
      for (const [at, chunk] of before.slice(0, -3).entries()) expect(after[at]).toBe(chunk);
      before = after;
    }
    // 42,000 characters, about 10,000 tokens: each was lexed a few times, not hundreds of times.
    expect(chunks.lexed).toBeLessThan(5 * text.length);
  });
});

describe('the component', () => {
  it('keeps the elements of what is finished while more comes', async () => {
    const target = document.createElement('div');
    document.body.append(target);
    const props = $state({ text: 'One.\n\nTwo.\n\nThree.\n\nFour', growing: true });
    const component = mount(AnswerText, { target, props });
    onTestFinished(() => unmount(component));
    await expect.poll(() => target.querySelectorAll('p:not(.said)').length).toBe(4);
    const [first] = target.querySelectorAll('p');
    props.text += ' and more.\n\n```js\nlet x = 1;\n```\n\nFive';
    flushSync();
    expect(target.querySelector('p')).toBe(first);
    props.growing = false;
    await expect.poll(() => target.querySelector('.hljs-keyword')?.textContent).toBe('let');
    expect(target.querySelector('p')).toBe(first);
    expect(target.querySelector('.bar')?.textContent).toContain('js');
  });

  it('sets formulas as MathML, and leaves prices alone', async () => {
    const target = document.createElement('div');
    document.body.append(target);
    const text = 'It costs $5 and $10. $a^2$ and \\(b\\).\n\n$$\\frac{1}{2}$$\n\n$\\href{https://example.org}{x}$';
    const component = mount(AnswerText, { target, props: { text } });
    onTestFinished(() => unmount(component));
    await expect.poll(() => target.querySelectorAll('math').length).toBeGreaterThanOrEqual(3);
    expect(target.textContent).toContain('It costs $5 and $10.');
    expect(target.querySelector('.formula.display mfrac')).not.toBeNull();
    expect(target.querySelectorAll('math a, [href], [style]').length).toBe(0);
  });
});
