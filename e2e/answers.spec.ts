/** @file The page shows whatever the engine answers: text of all kinds, all finish reasons, failures. */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat, NAMES, showNumbers } from './support/chat.ts';
import { BLUE, drawPicture } from './support/draw.ts';
import { type Answer, scriptWorker } from './support/scripted-worker.ts';

const picture = drawPicture([{ kind: 'square', colour: BLUE, x: 0.5, y: 0.5, r: 0.3 }], 160);

async function open(page: Page, ...answers: Answer[]): Promise<Chat> {
  await scriptWorker(page, { answers });
  await page.goto('./');
  return new Chat(page);
}

const MARKDOWN = [
  '## Shapes\n\nA **red** circle, `code` and [a link](https://example.org/).\n\n',
  '| Shape | Colour |\n| --- | --- |\n| circle | red |\n\n',
  '```js\nconst averylongline = "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789";\n```\n\n',
  'Averyverylongwordwithoutanybreakingopportunitywhatsoeverthatgoesonandonandon\n',
];

test('answers are Markdown as they stream, and links open elsewhere', async ({ page }) => {
  const chat = await open(page, { deltas: MARKDOWN, pause: 20 });
  const answer = await chat.ask('Show me');
  await expect(answer.getByRole('heading', { name: 'Shapes' })).toBeVisible();
  await expect(answer.locator('strong')).toHaveText('red');
  await expect(answer.getByRole('cell', { name: 'circle' })).toBeVisible();
  const link = answer.getByRole('link', { name: 'a link' });
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(link).toHaveAttribute('rel', 'noopener noreferrer');
});

test('the numbers are under the answer, in both languages', async ({ page }) => {
  await showNumbers(page);
  const chat = await open(page, { deltas: ['Fine.'] });
  const numbers = (await chat.ask('Hello')).getByTestId('numbers');
  await expect(numbers).toHaveText('12.3 tokens/s · first token 0.4 s · 120 prompt tokens, 98 reused');
  await chat.prefer(['Language', 'fr']);
  await expect(page.getByRole('article', { name: NAMES.fr.answer })).toContainText(
    '12,3 jetons/s · premier jeton en 0,4 s',
  );
  // A person who does not want them sees none.
  await page.getByRole('button', { name: NAMES.fr.preferences }).click();
  await page.getByRole('checkbox').uncheck();
  await expect(numbers).toHaveCount(0);
});

test('why an answer ended is said, when the model did not end it itself', async ({ page }) => {
  const chat = await open(page, { deltas: ['One'], reason: 'length' }, { deltas: ['Two'], reason: 'context-full' });
  await expect(await chat.ask('First')).toContainText('reached the length');
  await expect(await chat.ask('Second')).toContainText('The conversation is full');
});

test('an answer is stopped by keyboard, keeps its text, and the focus is not lost', async ({ page }) => {
  const chat = await open(page, { deltas: Array<string>(500).fill('more and '), pause: 20 });
  await chat.message.fill('Go on');
  await page.keyboard.press('Enter');
  await expect(chat.answers).toContainText('more and more');
  await chat.stop.focus();
  await page.keyboard.press('Enter');
  await expect(chat.send).toBeVisible();
  await expect(chat.message).toBeFocused();
  await expect(chat.answers).toContainText('more and more');
  await expect(chat.answers).toContainText('Stopped.');
  await expect(page.getByTestId('announced')).toContainText('Stopped.');
});

test('the focus stays when an answer ends by itself', async ({ page }) => {
  const chat = await open(page, { deltas: ['Slow', 'ly.'], pause: 700 });
  await chat.message.fill('Wait');
  await page.keyboard.press('Enter');
  await chat.stop.focus();
  await expect(chat.send).toBeVisible();
  await expect(chat.message).toBeFocused();
});

test('a screen reader hears sentences, each once, and not their marks', async ({ page }) => {
  const chat = await open(page, { deltas: ['The **cir', 'cle** is', ' red. The sq', 'uare is `blue`'], pause: 30 });
  await chat.ask('Describe');
  await expect(page.getByTestId('announced').locator('p')).toHaveText(['The circle is red.', 'The square is blue']);
});

test('the view follows the answer, unless the reader has scrolled up', async ({ page }) => {
  const chat = await open(page, { deltas: Array<string>(120).fill('A line.\n\n'), pause: 25 });
  const list = page.getByRole('region', { name: 'Conversation' });
  const fromEnd = () => list.evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight);
  const height = () => list.evaluate((it) => it.scrollHeight - it.clientHeight);
  await chat.message.fill('Go');
  await page.keyboard.press('Enter');
  await expect.poll(height).toBeGreaterThan(200);
  expect(await fromEnd()).toBeLessThan(60);
  await list.hover();
  await page.mouse.wheel(0, -400);
  await expect.poll(fromEnd).toBeGreaterThan(300);
  const top = () => list.evaluate((it) => it.scrollTop);
  // Scrolling by the wheel takes a while.
  let before = -1;
  await expect.poll(async () => before === (before = await top()), { intervals: [250] }).toBe(true);
  expect(await chat.stop.isVisible()).toBe(true);
  await expect(chat.send).toBeVisible();
  expect(Math.abs((await top()) - before)).toBeLessThan(5);
  // A new question scrolls to its answer.
  await chat.message.fill('Again');
  await page.keyboard.press('Enter');
  await expect.poll(fromEnd).toBeLessThan(60);
});

test('the end stays in view when pictures come, and when the message box grows', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const chat = await open(page, { deltas: ['A line.\n\n', 'The end.'] });
  const list = page.getByRole('region', { name: 'Conversation' });
  const fromEnd = () => list.evaluate((it) => it.scrollHeight - it.scrollTop - it.clientHeight);
  for (const question of ['One', 'Two', 'Three']) {
    await chat.attach('blue.png', picture);
    await chat.attach('again.png', picture);
    await chat.ask(question);
    await expect.poll(fromEnd).toBeLessThan(60);
  }
  await chat.attach('more.png', picture);
  await chat.message.fill('1\n2\n3\n4\n5\n6');
  await expect.poll(fromEnd).toBeLessThan(60);
});

test('a question that cannot be answered as it is can only be changed', async ({ page }) => {
  const chat = await open(page, { error: { code: 'picture-broken', detail: 'x' } }, { deltas: ['Fine.'] });
  await chat.attach('broken.png', picture);
  await chat.ask('What is this?');
  const alert = page.getByRole('alert');
  await expect(alert.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  await alert.getByRole('button', { name: 'Change the message' }).click();
  await page.getByRole('button', { name: 'Remove broken.png' }).click();
  await chat.send.click();
  await expect(chat.answers).toContainText('Fine.');
  await expect(page.getByRole('article', { name: NAMES.en.you }).getByRole('img')).toHaveCount(0);
});

test('a failed answer can be asked again, and the question changed', async ({ page }) => {
  const error = { code: 'out-of-memory', detail: 'buffer of 9 GB' } as const;
  const chat = await open(page, { error }, { error }, { deltas: ['Here.'] });
  await chat.attach('blue.png', picture);
  await chat.message.fill('What is this?');
  await chat.send.click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('not enough memory');
  await expect(alert.getByText('buffer of 9 GB')).toBeHidden();
  await alert.getByText('Technical details').click();
  await expect(alert.getByText('buffer of 9 GB')).toBeVisible();
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(chat.message).toBeFocused();
  await alert.getByRole('button', { name: 'Change the message' }).click();
  await expect(page.getByRole('article')).toHaveCount(0);
  await expect(chat.message).toHaveValue('What is this?');
  await expect(chat.message).toBeFocused();
  await expect(page.getByRole('img', { name: 'blue.png' })).toBeVisible();
  await chat.send.click();
  await expect(chat.answers).toContainText('Here.');
});

test('a message waits for the model, also when it did not load at first', async ({ page }) => {
  await scriptWorker(page, {
    loadFailures: [{ code: 'network', detail: 'gone' }],
    loadTime: 500,
    answers: [{ deltas: ['At last.'] }],
  });
  await page.goto('./');
  const chat = new Chat(page);
  await expect(page.getByTestId('model-state')).toContainText('Loading');
  await expect(page.getByTestId('model-state')).toContainText('42%');
  await chat.message.fill('Hello');
  await page.keyboard.press('Enter');
  await expect(chat.answers).toContainText('as soon as the model is ready');
  const alert = page.getByRole('alert');
  await expect(alert).toHaveCount(1);
  await expect(alert).toContainText('The network failed');
  await expect(chat.answers).toContainText('Your message is kept');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(chat.message).toBeFocused();
  await expect(chat.answers).toContainText('At last.');
  await expect(alert).toHaveCount(0);
});

test('a message that waits can be stopped, and taken back', async ({ page }) => {
  await scriptWorker(page, { loadTime: 600_000, answers: [{}] });
  await page.goto('./');
  const chat = new Chat(page);
  await chat.message.fill('Hello');
  await page.keyboard.press('Enter');
  await chat.stop.click();
  await chat.answers.getByRole('button', { name: 'Change the message' }).click();
  await expect(chat.message).toHaveValue('Hello');
});

test('after the worker broke, another takes its place', async ({ page }) => {
  await scriptWorker(
    page,
    { answers: [{ deltas: ['Half an ans'], crash: 'boom' }] },
    { answers: [{ deltas: ['Whole.'] }] },
  );
  await page.goto('./');
  const chat = new Chat(page);
  await chat.message.fill('Hello');
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await expect(alert).toHaveCount(1);
  await expect(alert).toContainText('Something went wrong inside the page');
  await expect(chat.answers).toContainText('Half an ans');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(chat.answers).toContainText('Whole.');
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
});

test('a new conversation hears nothing of the old one', async ({ page }) => {
  const chat = await open(page, { deltas: Array<string>(50).fill('Old words. '), pause: 50 }, { deltas: ['New.'] });
  await chat.message.fill('Old');
  await page.keyboard.press('Enter');
  await expect(chat.answers).toContainText('Old words.');
  await page.getByRole('button', { name: NAMES.en.fresh }).click();
  await expect(chat.message).toBeFocused();
  await page.keyboard.type('New');
  await page.keyboard.press('Enter');
  await expect(chat.answers).toHaveText(/^\s*New\./);
  await expect(page.getByTestId('announced')).toHaveText('New.');
});

test('a starter question leaves the draft alone, and the focus to write', async ({ page }) => {
  const chat = await open(page, { deltas: ['A circle and a square.'] });
  await chat.message.fill('My own words');
  await page.getByRole('button', { name: 'What is in this picture?' }).click();
  await expect(
    page.getByRole('article', { name: NAMES.en.you }).getByRole('img', { name: 'shapes.png' }),
  ).toBeVisible();
  await expect(chat.message).toHaveValue('My own words');
  await expect(chat.message).toBeFocused();
});

test('the page says when there is no GPU', async ({ page }) => {
  await scriptWorker(page, { model: { device: 'wasm', fallback: 'no-webgpu', adapter: '' }, answers: [{}] });
  await page.goto('./');
  await expect(page.getByTestId('model-state')).toContainText('slower: no GPU');
});

test('on a phone of 320 pixels only code and tables scroll sideways', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const chat = await open(page, { deltas: MARKDOWN }, { error: { code: 'internal', detail: 'x'.repeat(300) } });
  await chat.attach('a-picture-with-a-rather-long-name-that-goes-on-and-on.png', picture);
  await chat.ask('Show me averyverylongwordwithoutanybreakingopportunitywhatsoever');
  await chat.ask('And fail');
  await page.getByText('Technical details').click();
  await chat.attach('another.png', picture);
  const widest = () => page.evaluate(() => document.documentElement.scrollWidth);
  expect(await widest()).toBeLessThanOrEqual(320);
  const list = page.getByRole('region', { name: 'Conversation' });
  expect(await list.evaluate((it) => it.scrollWidth - it.clientWidth)).toBe(0);
  // At 400 % zoom the window is lower than its contents, and still everything can be reached.
  await page.setViewportSize({ width: 320, height: 256 });
  expect(await widest()).toBeLessThanOrEqual(320);
  await chat.message.scrollIntoViewIfNeeded();
  await expect(chat.message).toBeInViewport();
  expect(await list.evaluate((it) => it.clientHeight)).toBeGreaterThan(40);
});

for (const [language, locale] of [
  ['en', 'en-GB'],
  ['fr', 'fr-CA'],
] as const)
  for (const colorScheme of ['light', 'dark'] as const)
    test.describe(`${language}, ${colorScheme}`, () => {
      test.use({ locale, colorScheme });

      test('is accessible with answers, a failure and pictures to send', async ({ page }) => {
        await scriptWorker(page, {
          model: { device: 'wasm', fallback: 'adapter-wrong' },
          answers: [{ deltas: MARKDOWN }, { error: { code: 'device-lost', detail: 'gone' } }],
        });
        await page.goto('./');
        const chat = new Chat(page, language);
        await chat.ask('Show me');
        await chat.ask('And fail');
        await chat.attach('blue.png', picture);
        await expect(page.getByRole('alert')).toBeVisible();
        await expectAccessible(page);
      });
    });
