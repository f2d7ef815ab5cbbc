/**
 * @file Fournil in a frame of another site: which hosts may ask, what they get, and what the person sees and decides.
 */
import { expect, type FrameLocator, type Page, test } from '@playwright/test';
import type { Fournil } from '../src/embed-client/client.ts';
import { expectAccessible } from './support/axe.ts';
import { EmbeddingHost, type EmbeddingOptions } from './support/embedding-host.ts';
import { type Answer, scriptWorker } from './support/scripted-worker.ts';

interface Heard {
  id?: unknown;
  delta?: string;
  error?: { code: string; message: string };
}
declare global {
  interface Window {
    fournil: Fournil;
    frame: HTMLIFrameElement;
    heard: Heard[];
    answer: Promise<unknown>;
  }
}

let host: EmbeddingHost;
test.beforeEach(async () => {
  host = new EmbeddingHost();
  await host.start();
});
test.afterEach(async () => {
  await host.stop();
});

/** Opens the host's page, with the built site in its frame. */
async function embed(page: Page, options: Partial<EmbeddingOptions> = {}): Promise<FrameLocator> {
  const site = test.info().project.use.baseURL ?? '';
  host.show({ src: `${site}?embed`, ...options });
  await page.goto(host.origin);
  await page.waitForFunction(() => 'fournil' in window);
  return page.frameLocator('#frame');
}

/** Requests an answer. The page's `answer` is its promise, which resolves to text, also when the request fails. */
const ask = (page: Page, text: string) =>
  page.evaluate((content) => {
    window.answer = window.fournil
      .generate([{ role: 'user', content }])
      .then(({ text: answer, reason }) => `${reason}: ${answer}`)
      .catch(({ code, message }: { code: string; message: string }) => `${code}: ${message}`);
  }, text);
const answerOf = (page: Page) => page.evaluate(() => window.answer);

/** @returns the inference workers, of which there is none before the person allows the host to use the model. */
const enginesOf = (page: Page) => page.workers().filter((worker) => worker.url().includes('/worker-'));

const button = (frame: FrameLocator, name: string) => frame.getByRole('button', { name, exact: true });
const doing = (frame: FrameLocator) => frame.getByTestId('doing');

const scripted = (page: Page, ...answers: Answer[]) => scriptWorker(page, { answers });

test('a host waits for the person, streams answers, and is stopped and sent away in the frame', async ({ page }) => {
  const long = { deltas: Array<string>(500).fill('more and '), pause: 20 };
  await scripted(page, { deltas: ['Prompt: ', '{prompt}'], pause: 20 }, long);
  const frame = await embed(page);
  await expect(frame.getByRole('status')).toContainText('has not asked for anything yet');

  await ask(page, 'What colour is it?');
  const question = frame.getByRole('heading', { name: `May ${host.origin} use Gemma 3 in your browser?` });
  await expect(question).toBeVisible();
  expect(enginesOf(page)).toEqual([]);
  expect(await page.evaluate(() => window.fournil.status())).toEqual({
    permission: 'asked',
    engine: 'empty',
    model: null,
  });
  await expect(button(frame, 'Allow once')).toBeEnabled();
  await expectAccessible(page);

  await button(frame, 'Allow once').click();
  expect(await answerOf(page)).toBe('stop: Prompt: What colour is it?');
  expect(await page.evaluate(() => window.heard.flatMap(({ delta }) => (delta === undefined ? [] : [delta])))).toEqual([
    'Prompt: ',
    'What colour is it?',
  ]);
  expect(enginesOf(page)).toHaveLength(1);
  expect(await page.evaluate(() => window.fournil.status())).toMatchObject({
    permission: 'once',
    engine: 'ready',
    model: { id: 'built-in', contextLength: 2048 },
  });
  expect(await page.evaluate(() => window.fournil.count([{ role: 'user', content: 'one two' }]))).toMatchObject({
    promptTokens: 6,
  });

  await ask(page, 'Go on');
  await expect(doing(frame)).toHaveText('Writing an answer…');
  await expect(frame.getByText('Asked: “Go on”')).toBeVisible();
  await expectAccessible(page);
  await button(frame, 'Stop').focus();
  await page.keyboard.press('Enter');
  expect(await answerOf(page)).toMatch(/^aborted: (more and )+$/);
  await expect(doing(frame)).toHaveText('Nothing is being done.');
  // The focus is not lost with the button.
  expect(await frame.locator('main').evaluate((main) => main === document.activeElement)).toBe(true);

  await ask(page, 'Again');
  await expect(doing(frame)).toHaveText('Writing an answer…');
  await button(frame, 'Take back').click();
  expect(await answerOf(page)).toBe('not-allowed: The person does not allow this page to use the model.');
  await expect.poll(() => enginesOf(page)).toEqual([]);
  await expect(frame.getByText(`${host.origin} may not use Gemma here.`)).toBeVisible();
  await ask(page, 'Please');
  expect(await answerOf(page)).toContain('not-allowed');
});

test('what is always allowed is remembered for that origin, until it is taken back in any frame', async ({
  page,
  context,
}) => {
  await host.stop();
  // The host is of the same site, since browsers may let frames of other sites store nothing.
  host = new EmbeddingHost('127.0.0.1');
  await host.start();
  await scripted(page, { deltas: ['Yes.'] });
  let frame = await embed(page);
  await ask(page, 'Hello');
  await button(frame, 'Always allow').click();
  expect(await answerOf(page)).toBe('stop: Yes.');

  frame = await embed(page);
  await ask(page, 'Hello again');
  expect(await answerOf(page)).toBe('stop: Yes.');

  const second = await context.newPage();
  const elsewhere = await embed(second);
  await second.evaluate(() => window.fournil.status());
  await button(elsewhere, 'Take back').click();
  await expect(frame.getByText(`${host.origin} may not use Gemma here.`)).toBeVisible();
  await second.close();

  frame = await embed(page);
  await ask(page, 'And again');
  // Chromium ignores clicks in a frame that has only just appeared.
  await expect(button(frame, 'Allow once')).toBeEnabled();
  await button(frame, 'Refuse').click();
  expect(await answerOf(page)).toContain('not-allowed');
  // The person can change their mind.
  await button(frame, 'Decide again').click();
  await expect(button(frame, 'Allow once')).toBeVisible();
});

test('where the browser keeps nothing for frames, nothing is promised', async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  await scripted(page, { deltas: ['Yes.'] });
  const frame = await embed(page);
  await ask(page, 'Hello');
  await expect(frame.getByText('you will be asked each time')).toBeVisible();
  await expect(button(frame, 'Always allow')).toHaveCount(0);
  await button(frame, 'Allow once').click();
  expect(await answerOf(page)).toBe('stop: Yes.');
});

test('malformed messages are answered with an error, others and other windows are not heard', async ({ page }) => {
  await scripted(page, { deltas: ['Fine.'] });
  const site = test.info().project.use.baseURL ?? '';
  // Beside the frame, another page of the host's origin sends messages to it.
  const meddler = `<iframe id="meddler" srcdoc="<script>
    onmessage = () => parent.frames[0].postMessage({ fournil: 1, id: 'meddler', type: 'load' }, '*');
  </script>"></iframe>`;
  const frame = await embed(page, { src: `${site}?embed`, html: meddler });
  await page.evaluate(() => window.fournil.status());
  await page.evaluate(() => {
    window.heard.length = 0;
    const circle: Record<string, unknown> = { fournil: 1, id: 'circle', type: 'generate' };
    circle['messages'] = [circle];
    const messages = [{ role: 'user', content: 'Hello' }];
    const wrong = [
      { fournil: 1 },
      { fournil: 1, id: {} },
      { fournil: 1, id: 'x'.repeat(1000), type: 'load' },
      { fournil: 2, id: 'v', type: 'load' },
      { fournil: 1, id: 't' },
      { fournil: 1, id: 'u', type: 'unload' },
      { fournil: 1, id: 'c', type: 'constructor' },
      circle,
      { fournil: 1, id: 'm', type: 'generate', messages: new Array(3) },
      { fournil: 1, id: 'r', type: 'count', messages: [{ role: 'tool', content: 'a' }] },
      {
        fournil: 1,
        id: 'i',
        type: 'count',
        messages: [{ role: 'user', content: [{ type: 'image', image: 'a.png' }] }],
      },
      { fournil: 1, id: 'o', type: 'generate', messages, options: { sampling: { top_p: -1 } } },
      { fournil: 1, id: 'n', type: 'generate', messages, options: { maxNewTokens: new Map() } },
      { fournil: 1, id: 's', type: 'stop', request: null },
    ];
    // These are not for Fournil, and get no answer.
    const others = [
      null,
      3,
      'load',
      [],
      new Map([['fournil', 1]]),
      { type: 'load', id: 1 },
      new Error('x'),
      new Blob(['x']),
    ];
    for (const each of [...others, ...wrong]) window.frame.contentWindow?.postMessage(each, '*');
    document.querySelector<HTMLIFrameElement>('#meddler')?.contentWindow?.postMessage('go', '*');
  });
  await expect.poll(() => page.evaluate(() => window.heard.length)).toBe(14);
  // By the time that this call is answered, an answer that should not come would have come.
  await page.evaluate(() => window.fournil.status());
  const answers = await page.evaluate(() => window.heard.slice(0, 14).map(({ id, error }) => [id, error?.code]));
  expect(answers).toEqual([
    [null, 'bad-message'],
    [null, 'bad-message'],
    [null, 'bad-message'],
    ['v', 'unknown-version'],
    ...['t', 'u', 'c', 'circle', 'm', 'r', 'i', 'o', 'n', 's'].map((id) => [id, 'bad-message']),
  ]);
  expect(await page.evaluate(() => window.heard.some(({ id }) => id === 'meddler'))).toBe(false);
  // None of these messages asked the person for anything, and the frame still works.
  await expect(frame.getByRole('status')).toContainText('has not asked for anything yet');
  await ask(page, 'Well?');
  await button(frame, 'Allow once').click();
  expect(await answerOf(page)).toBe('stop: Fine.');
});

test('a question that is covered cannot be answered with yes', async ({ page }) => {
  await scripted(page, { deltas: ['Fine.'] });
  const veil = '<div id="veil" style="position:fixed;inset:0;background:#fff;pointer-events:none">A nice game</div>';
  const frame = await embed(page, { html: veil });
  await ask(page, 'Hello');
  await expect(frame.getByText('Not all of this question can be seen')).toBeAttached();
  await expect(button(frame, 'Allow once')).toBeDisabled();
  await page.evaluate(() => document.querySelector('#veil')?.remove());
  await expect(button(frame, 'Allow once')).toBeEnabled();
});

test('in a frame without ?embed the page offers nothing to press, and ?embed alone says what it is', async ({
  page,
}) => {
  await scripted(page, { deltas: ['Fine.'] });
  const site = test.info().project.use.baseURL ?? '';
  const frame = await embed(page, { src: site });
  const link = frame.getByRole('link', { name: 'Open Fournil' });
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(frame.getByRole('button')).toHaveCount(0);
  const bench = await embed(page, { src: `${site}bench.html` });
  await expect(bench.getByRole('link', { name: 'Open Fournil' })).toBeVisible();
  await expect(bench.getByRole('button')).toHaveCount(0);
  expect(page.workers()).toEqual([]);
  await page.goto('./?embed');
  await expect(page.getByText('Here, no page does.')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Open Fournil' }).click();
  await expect(page.getByRole('textbox')).toBeVisible();
});

for (const isolated of [false, true])
  test(`a host that is ${isolated ? '' : 'not '}isolated embeds it, ${isolated ? 'with' : 'without'} threads`, async ({
    page,
  }) => {
    await scripted(page, { deltas: ['Fine.'] });
    const frame = await embed(page, { isolated });
    await ask(page, 'Hello');
    await button(frame, 'Allow once').click();
    expect(await answerOf(page)).toBe('stop: Fine.');
    expect(await frame.locator('main').evaluate(() => crossOriginIsolated)).toBe(isolated);
  });

test('the example works, with the built-in model', async ({ page }) => {
  await page.goto('./embed-example.html');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByRole('status')).toContainText('decide in the frame');
  const frame = page.frameLocator('#fournil');
  await button(frame, 'Allow once').click();
  await expect(page.getByRole('status')).toHaveText(/^\d+ tokens\.$/, { timeout: 100_000 });
  await expect(page.locator('#answer')).toHaveText(/\p{L}{2}/u);
  await expectAccessible(page);
});
