/** @file Lessons are chosen, offered by files and links that do nothing by themselves, edited, stored and shared. */
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat } from './support/chat.ts';
import { type Answer, scriptWorker } from './support/scripted-worker.ts';

async function open(page: Page, { path = './', answers = [{ deltas: ['{prompt} {options}'] }] as Answer[] } = {}) {
  await scriptWorker(page, { answers });
  await page.goto(path);
  return new Chat(page);
}
const lessons = (page: Page) => page.getByRole('dialog', { name: 'Lessons' });
const offer = (page: Page) => page.getByRole('dialog', { name: 'Open this lesson?' });
const openLessons = (page: Page) => page.getByRole('main').getByRole('button', { name: 'Lessons' }).click();

const PIRATE = {
  format: 'fournil-lesson',
  version: 1,
  title: 'Pirates',
  description: 'Talk like one.',
  language: 'en',
  colour: 'teal',
  system: 'You are a pirate.',
  sampling: { temperature: 0.5 },
  starters: [{ text: 'Where is the treasure?' }],
};
const link = (lesson: object) => `./#lesson=${Buffer.from(JSON.stringify(lesson)).toString('base64url')}`;

test('twelve lessons ship, and one is begun with its prompt, settings and picture', async ({ page }) => {
  const chat = await open(page);
  await openLessons(page);
  await expect(lessons(page).getByRole('article')).toHaveCount(12);
  await expect(lessons(page).getByRole('region', { name: 'For classes' }).getByRole('article')).toHaveCount(7);
  await expectAccessible(page);
  const card = lessons(page).getByRole('article', { name: 'Describe my picture' });
  await card.getByRole('button', { name: 'Begin' }).click();
  await expect(lessons(page)).toHaveCount(0);
  await expect(chat.message).toBeFocused();
  await expect(page.getByRole('heading', { name: 'Describe my picture' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Describe this picture in three sentences.' }).click();
  await expect(page.getByRole('article', { name: 'You' }).getByRole('img')).toBeVisible();
  await expect(chat.answers).toContainText('You help pupils to talk about pictures.');
  await expect(chat.answers).toContainText('"temperature":0.7');
  // The next conversation is an ordinary one.
  await page.getByRole('banner').getByRole('button', { name: chat.names.fresh }).click();
  await expect(await chat.ask('Hello')).not.toContainText('pupils');
});

test('the lessons are there in French too', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'fr-FR', serviceWorkers: 'block' });
  const page = await context.newPage();
  await scriptWorker(page, { answers: [{ deltas: ['{prompt}'] }] });
  await page.goto('./');
  await page.getByRole('main').getByRole('button', { name: 'Leçons' }).click();
  const dialog = page.getByRole('dialog', { name: 'Leçons' });
  await expect(dialog.getByRole('article')).toHaveCount(12);
  await expect(dialog.getByRole('article', { name: 'Explique mon code' })).toContainText('demande un Gemma 3');
  await expectAccessible(page);
  await context.close();
});

test('a link shows what it would do, and does nothing before the person says so', async ({ page }) => {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  const chat = await open(page, { path: link({ ...PIRATE, model: { id: 'onnx-community/gemma-3-1b-it-ONNX-GQA' } }) });
  await expect(offer(page)).toContainText('You are a pirate.');
  await expect(offer(page)).toContainText('Where is the treasure?');
  await expect(offer(page)).toContainText('Nothing is downloaded unless you choose it');
  await expectAccessible(page);
  expect(requests.filter((url) => /huggingface|hf\.co/.test(url))).toEqual([]);
  await expect(page.getByRole('article', { name: 'You' })).toHaveCount(0);
  // The lesson is gone from the address, so a reload does not offer it again.
  expect(page.url()).not.toContain('lesson=');
  await offer(page).getByRole('button', { name: 'Not now' }).click();
  await expect(await chat.ask('Hello')).not.toContainText('pirate');

  await page.goto(link(PIRATE));
  await offer(page).getByRole('button', { name: 'Begin', exact: true }).click();
  await page.getByRole('button', { name: 'Where is the treasure?' }).click();
  await expect(chat.answers).toContainText('You are a pirate. | Where is the treasure?');
});

test('a lesson of this site is opened by its address, and none of another site', async ({ page }) => {
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).hostname === 'example.org') foreign.push(request.url());
  });
  await open(page, { path: './?lesson=lessons/debate-partner.en.json' });
  await expect(offer(page)).toContainText('Debate partner');
  for (const address of ['https://example.org/lesson.json', '//example.org/lesson.json', 'data:application/json,{}']) {
    await page.goto(`./?lesson=${encodeURIComponent(address)}`);
    await expect(page.getByRole('dialog', { name: 'This is no lesson' })).toContainText('another site');
  }
  expect(foreign).toEqual([]);
});

test('links and files of before version 0.2.0 still open', async ({ page }) => {
  const old = JSON.stringify({ ...PIRATE, format: 'fournil-preset' });
  await open(page, { path: `./#preset=${Buffer.from(old).toString('base64url')}` });
  await expect(offer(page)).toContainText('You are a pirate.');
  expect(page.url()).not.toContain('preset');

  await page.goto('./?preset=presets/debate-partner.en.json');
  await expect(offer(page)).toContainText('Debate partner');
  expect(page.url()).not.toContain('preset');
  await offer(page).getByRole('button', { name: 'Not now' }).click();

  const data = await page.evaluateHandle((lesson) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([lesson], 'pirates.json', { type: 'application/json' }));
    return transfer;
  }, old);
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(offer(page)).toContainText('You are a pirate.');
});

test('a lesson is created, stored, exported, opened from its file and by its link, and deleted', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const chat = await open(page);
  await openLessons(page);
  await lessons(page).getByRole('button', { name: 'Make a lesson' }).click();
  const editor = page.getByRole('dialog', { name: 'Make a lesson' });
  await editor.getByRole('button', { name: 'Keep it among my lessons' }).click();
  await expect(editor).toContainText('Please give it a title first.');
  await editor.getByLabel('Title').fill('My volcano lesson');
  await editor.getByLabel('What the model is told').fill('You know all volcanoes.');
  await editor.getByRole('textbox', { name: 'Question 1' }).fill('What is lava?');
  await editor.getByRole('radio', { name: 'Clay' }).check();
  await expectAccessible(page);
  await editor.getByRole('button', { name: 'Keep it among my lessons' }).click();
  await expect(editor).toContainText('It is among your lessons');
  const saving = page.waitForEvent('download');
  await editor.getByRole('button', { name: 'Save to a file' }).click();
  const file = readFileSync(await (await saving).path());
  await editor.getByRole('button', { name: 'Copy a link to it' }).click();
  await expect(editor).toContainText('The link is copied.');
  const address = await page.evaluate(() => navigator.clipboard.readText());
  await editor.getByRole('button', { name: 'Close' }).click();
  await lessons(page).getByRole('button', { name: 'Close' }).click();

  await page.reload();
  await openLessons(page);
  const own = lessons(page).getByRole('article', { name: 'My volcano lesson' });
  await own.getByRole('button', { name: 'Delete' }).click();
  await own.getByRole('button', { name: 'Delete' }).click();
  await expect(own).toHaveCount(0);
  const choosing = page.waitForEvent('filechooser');
  await lessons(page).getByRole('button', { name: 'Open a lesson file' }).click();
  await (await choosing).setFiles({ name: 'volcano.json', mimeType: 'application/json', buffer: file });
  await expect(offer(page)).toContainText('You know all volcanoes.');

  await page.goto('about:blank');
  await page.goto(address);
  await expect(offer(page)).toContainText('You know all volcanoes.');
  await offer(page).getByRole('button', { name: 'Begin', exact: true }).click();
  await page.getByRole('button', { name: 'What is lava?' }).click();
  await expect(chat.answers).toContainText('You know all volcanoes. | What is lava?');
});

test('a lesson that is dropped is offered, other files are attached', async ({ page }) => {
  await open(page);
  const data = await page.evaluateHandle((lesson) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([lesson], 'pirates.json', { type: 'application/json' }));
    transfer.items.add(new File(['Just notes'], 'notes.txt', { type: 'text/plain' }));
    return transfer;
  }, JSON.stringify(PIRATE));
  for (const type of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('body', type, { dataTransfer: data });
  await expect(offer(page)).toContainText('Pirates');
  await offer(page).getByRole('button', { name: 'Not now' }).click();
  await expect(page.getByRole('main')).toContainText('notes.txt');
});

test('what is no lesson, or a malicious one, runs nothing, fetches nothing, and is said', async ({ page, baseURL }) => {
  test.setTimeout(120_000);
  const foreign: string[] = [];
  page.context().on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== new URL(baseURL ?? '').origin)
      foreign.push(request.url());
  });
  const reports: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/404/.test(message.text())) reports.push(message.text());
  });
  page.on('pageerror', (error) => reports.push(error.message));
  await open(page);
  const RUN = '<img src=x onerror="window.scriptRan=1"><script>window.scriptRan=1</script>';
  const shown = [
    { ...PIRATE, title: RUN },
    { ...PIRATE, description: RUN },
    { ...PIRATE, system: `${RUN}\n![](https://example.org/a.png)` },
    { ...PIRATE, starters: [{ text: RUN }] },
    { ...PIRATE, extra: { __proto__: null, scriptRan: RUN } },
    { ...PIRATE, pictures: [{ name: RUN, src: 'examples/shapes.png' }] },
  ];
  const refused: (object | string)[] = [
    { ...PIRATE, title: '' },
    { ...PIRATE, title: 'a\u202eb' },
    { ...PIRATE, title: 'x'.repeat(500) },
    { ...PIRATE, title: { toString: 'x' } },
    { ...PIRATE, colour: 'red; background: url(https://example.org/)' },
    { ...PIRATE, language: 'javascript:' },
    { ...PIRATE, version: 2 },
    { ...PIRATE, version: '1' },
    { ...PIRATE, format: 'other' },
    { ...PIRATE, system: 5 },
    { ...PIRATE, sampling: { temperature: -1 } },
    { ...PIRATE, sampling: { temperature: '0.5' } },
    { ...PIRATE, sampling: { top_p: 7 } },
    { ...PIRATE, sampling: [] },
    { ...PIRATE, maxNewTokens: 0 },
    { ...PIRATE, maxNewTokens: 1e9 },
    { ...PIRATE, starters: 'all' },
    { ...PIRATE, starters: Array<object>(100).fill({ text: 'x' }) },
    { ...PIRATE, starters: [{ text: 'x', pictures: [9] }] },
    { ...PIRATE, starters: [{ text: 'x', pictures: [-1] }] },
    { ...PIRATE, pictures: [{ name: 'a', src: 'https://example.org/b.png' }] },
    { ...PIRATE, pictures: [{ name: 'a', src: '//example.org/c.png' }] },
    { ...PIRATE, pictures: [{ name: 'a', src: '../../secret.png' }] },
    { ...PIRATE, pictures: [{ name: 'a', src: 'javascript:window.scriptRan=1' }] },
    { ...PIRATE, pictures: [{ name: 'a', src: 'data:image/svg+xml,<svg onload="window.scriptRan=1"/>' }] },
    { ...PIRATE, pictures: [{ name: 'a', src: 'data:text/html;base64,PHNjcmlwdD4=' }] },
    { ...PIRATE, model: { id: 5 } },
    { ...PIRATE, model: 'gemma' },
    { ...PIRATE, needs: ['camera'] },
    [],
    'null',
    '"fournil-lesson"',
    '{"format":"fournil-lesson"',
    '',
    '!!!',
    '\u0000\u0001',
  ];
  const address = (lesson: object | string) =>
    `#lesson=${Buffer.from(typeof lesson === 'string' ? lesson : JSON.stringify(lesson)).toString('base64url')}`;
  for (const lesson of shown) {
    await page.evaluate((hash) => (location.hash = hash), address(lesson));
    await expect(offer(page), JSON.stringify(lesson)).toBeVisible();
    await offer(page).getByRole('button', { name: 'Not now' }).click();
  }
  for (const lesson of refused) {
    await page.evaluate((hash) => (location.hash = hash), address(lesson));
    const dialog = page.getByRole('dialog', { name: 'This is no lesson' });
    await expect(dialog, JSON.stringify(lesson)).toBeVisible();
    await dialog.getByRole('button', { name: 'Close' }).click();
  }
  expect(await page.evaluate(() => 'scriptRan' in window)).toBe(false);
  expect(foreign).toEqual([]);
  expect(reports).toEqual([]);
});
