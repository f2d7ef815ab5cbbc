/** @file Conversations are stored in this browser: found again, branched, renamed, exported, imported and deleted. */
import { readFileSync } from 'node:fs';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat } from './support/chat.ts';
import { BLUE, drawPicture } from './support/draw.ts';
import { type Answer, scriptWorker } from './support/scripted-worker.ts';

const picture = drawPicture([{ kind: 'square', colour: BLUE, x: 0.5, y: 0.5, r: 0.3 }], 160);

async function open(page: Page, ...answers: Answer[]): Promise<Chat> {
  await scriptWorker(page, { answers: answers.length > 0 ? answers : [{ deltas: ['Fine.'] }] });
  await page.goto('./');
  return new Chat(page);
}
const button = (within: Page | Locator, name: string | RegExp) => within.getByRole('button', { name, exact: true });
const side = (page: Page) => page.getByRole('navigation', { name: 'Conversations' });
const rows = (page: Page) => side(page).getByRole('listitem');
/** @returns all that the browser stores for the page except models, as text. */
const stored = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const found: string[] = [];
    for (const { name = '' } of await indexedDB.databases())
      found.push(
        await new Promise<string>((resolve) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => {
            const stores = [...opening.result.objectStoreNames];
            if (stores.length === 0) resolve('');
            const reading = opening.result.transaction(stores);
            const all = stores.map((store) => reading.objectStore(store).getAll());
            reading.oncomplete = () => {
              opening.result.close();
              resolve(JSON.stringify(all.map(({ result }) => result as unknown)));
            };
          };
        }),
      );
    return JSON.stringify([found, { ...localStorage }, { ...sessionStorage }]);
  });
const title = (row: Locator) => row.getByRole('button').first();

test.use({ viewport: { width: 1280, height: 800 } });

test('a conversation is there after a reload, with its pictures, and the list leads back to it', async ({ page }) => {
  const chat = await open(page, { deltas: ['A square.'] }, { deltas: ['Blue.'] }, { deltas: ['Hello.'] });
  await chat.attach('square.png', picture);
  await chat.ask('What is it?');
  await chat.ask('Which colour?');
  await expect(page).toHaveTitle('What is it? · Fournil');
  await page.reload();
  await expect(chat.answers).toHaveText([/A square\./, /Blue\./]);
  const shown = page.getByRole('img', { name: 'square.png' });
  await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(160);

  await button(page.getByRole('banner'), 'New conversation').click();
  await expect(chat.answers).toHaveCount(0);
  await chat.ask('Good morning');
  await expect(rows(page)).toHaveCount(2);
  await title(rows(page).nth(1)).click();
  await expect(chat.answers).toHaveText([/A square\./, /Blue\./]);
  await expect(title(rows(page).nth(1))).toHaveAttribute('aria-current', 'true');
  // The browser's back and forward buttons do the same.
  await page.goBack();
  await expect(page.getByRole('article', { name: 'You' })).toHaveText(/Good morning/);
  await page.goForward();
  await expect(chat.answers).toHaveCount(2);
});

test('what is being written is there after a reload, of each conversation and of one that has not begun', async ({
  page,
}) => {
  const chat = await open(page);
  await chat.message.fill('Half a thought');
  await expect.poll(() => stored(page)).toContain('Half a thought');
  await page.reload();
  await expect(chat.message).toHaveValue('Half a thought');
  await button(page.getByRole('banner'), 'New conversation').click();
  await expect(chat.message).toHaveValue('');
  await chat.ask('Hello');
  await chat.attach('square.png', picture);
  await chat.message.fill('And also');
  await expect.poll(() => stored(page)).toContain('And also');
  await page.reload();
  await expect(chat.answers).toContainText('Fine.');
  await expect(chat.message).toHaveValue('And also');
  await expect(page.getByRole('img', { name: 'square.png' })).toBeVisible();
  await title(rows(page).filter({ hasText: 'Half a thought' })).click();
  await expect(chat.message).toHaveValue('Half a thought');
  await expect(chat.answers).toHaveCount(0);
  await chat.send.click();
  await expect(chat.answers).toContainText('Fine.');
  await page.reload();
  await expect(chat.answers).toContainText('Fine.');
  await expect(chat.message).toHaveValue('');
});

test('a question is edited and an answer regenerated, and all versions stay', async ({ page }) => {
  const chat = await open(
    page,
    { deltas: ['An animal.'] },
    { deltas: ['It meows.'] },
    { deltas: ['It flies.'] },
    { deltas: ['It sings.'] },
  );
  await chat.ask('What is a cat?');
  await chat.ask('Tell me more');
  const [first] = await page.getByRole('article', { name: 'You' }).all();
  await button(first as Locator, 'Edit the question').click();
  const field = page.getByRole('textbox', { name: 'Question' });
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('What is a cat?');
  // The conversation is as it was left.
  await field.press('Escape');
  await expect(field).toHaveCount(0);
  await expect(button(first as Locator, 'Edit the question')).toBeFocused();

  await button(first as Locator, 'Edit the question').click();
  await field.fill('What is a bird?');
  await field.press('Enter');
  await expect(chat.answers).toHaveText([/It flies\./]);
  const question = page.getByRole('article', { name: 'You' });
  await expect(question).toContainText('2 of 2');
  await button(question, 'Earlier version').click();
  await expect(chat.answers).toHaveText([/An animal\./, /It meows\./]);
  // The arrow that was pressed keeps the focus in the other version, too.
  await expect(button(question.first(), 'Earlier version')).toBeFocused();
  await expect(button(question.first(), 'Earlier version')).toHaveAttribute('aria-disabled', 'true');

  await button(chat.answers.nth(1), 'Answer again').click();
  await expect(chat.answers.nth(1)).toContainText('It sings.');
  await expect(chat.answers.nth(1)).toContainText('2 of 2');
  await page.reload();
  await expect(chat.answers).toHaveText([/An animal\./, /It sings\./]);
  await button(chat.answers.nth(1), 'Earlier version').click();
  await expect(chat.answers.nth(1)).toContainText('It meows.');
  await expectAccessible(page);
});

test('an answer that was cut goes on', async ({ page }) => {
  const chat = await open(page, { deltas: ['One, two'], reason: 'length' }, { deltas: [', three.'] });
  const answer = await chat.ask('Count');
  await button(answer, 'Go on').click();
  await expect(answer).toContainText('One, two, three.');
  await expect(button(answer, 'Go on')).toHaveCount(0);
});

test('an answer goes on while another conversation is shown', async ({ page }) => {
  const chat = await open(page, { deltas: Array<string>(30).fill('more '), pause: 50 }, { deltas: ['Second.'] });
  await chat.message.fill('First');
  await chat.send.click();
  await expect(chat.answers).toContainText('more');
  await button(page.getByRole('banner'), 'New conversation').click();
  await expect(rows(page).getByRole('img', { name: 'An answer is being written' })).toBeVisible();
  await chat.message.fill('Second');
  await chat.send.click();
  await expect(chat.answers).toContainText('Another conversation’s answer is being written first.');
  await expect(chat.answers).toContainText('Second.');
  await title(rows(page).nth(1)).click();
  await expect(chat.answers).toContainText('more '.repeat(30).trim());
});

test('conversations are renamed, pinned, looked for and deleted', async ({ page }) => {
  const chat = await open(page, { deltas: ['Le chat dort à l’école.'] });
  for (const question of ['First question', 'Second question', 'Third question']) {
    await button(page.getByRole('banner'), 'New conversation').click();
    await chat.ask(question);
  }
  const row = rows(page).filter({ hasText: 'First question' });
  await button(row, /^More about/).click();
  await button(row, 'Rename').click();
  await row.getByRole('textbox', { name: 'Title' }).fill('Ma conversation');
  await page.keyboard.press('Enter');
  const renamed = rows(page).filter({ hasText: 'Ma conversation' });
  await button(renamed, 'Pin').click();
  await expect(rows(page).first()).toContainText('Ma conversation');
  await page.reload();
  await expect(rows(page).first()).toContainText('Ma conversation');

  const search = side(page).getByRole('searchbox');
  await search.fill('ECOLE');
  await expect(rows(page).first().locator('mark')).toHaveText('école');
  await search.fill('second');
  await expect(rows(page)).toHaveCount(1);
  await search.fill('nothing like it');
  await expect(side(page)).toContainText('0 conversations found');
  await search.fill('');
  await expect(rows(page)).toHaveCount(3);

  await button(rows(page).first(), /^More about/).click();
  await button(rows(page).first(), 'Delete').click();
  await button(rows(page).first(), 'Cancel').click();
  await expect(rows(page)).toHaveCount(3);
  await button(rows(page).first(), 'Delete').click();
  await button(rows(page).first(), 'Delete').click();
  await expect(rows(page)).toHaveCount(2);
  await expect(search).toBeFocused();
  await page.reload();
  await expect(rows(page)).toHaveCount(2);
});

test('a private conversation is said to be one, and leaves no trace', async ({ page }) => {
  const chat = await open(page);
  await button(side(page), 'New private conversation').click();
  await expect(page.getByRole('main')).toContainText('nothing of it is kept');
  await chat.ask('My secret');
  await expect(rows(page)).toHaveText(/Private\s*My secret/);
  expect(page.url()).not.toContain('#');
  await expect(page).not.toHaveTitle(/secret/);
  await chat.message.fill('Another secret');
  // When a draft that is written later and is not private has been stored, the private one would have been, too.
  await button(page.getByRole('banner'), 'New conversation').click();
  await chat.message.fill('A plain draft');
  await expect.poll(() => stored(page)).toContain('A plain draft');
  await chat.message.fill('');
  await expect.poll(() => stored(page)).not.toContain('A plain draft');
  expect(await stored(page)).not.toContain('secret');
  await page.reload();
  await expect(rows(page)).toHaveCount(0);
  await expect(chat.message).toHaveValue('');
});

test('all is saved to a file, deleted, and taken in again', async ({ page }) => {
  const chat = await open(page, { deltas: ['A square.'] }, { deltas: ['Again a square.'] });
  await chat.attach('square.png', picture);
  const answer = await chat.ask('What is it?');
  await button(answer, 'Answer again').click();
  await expect(chat.answers).toContainText('Again a square.');
  await button(side(page), 'Save, import, delete').click();
  const panel = page.getByRole('dialog', { name: 'Your data' });
  await expectAccessible(page);
  const saving = page.waitForEvent('download');
  await button(panel, 'With pictures and branches (JSON)').click();
  const path = await (await saving).path();
  const file = readFileSync(path);
  expect(JSON.parse(file.toString())).toMatchObject({ format: 'fournil-conversations', conversations: [{}] });
  const reading = page.waitForEvent('download');
  await button(panel, 'As text to read (Markdown)').click();
  expect((await reading).suggestedFilename()).toBe('What is it.zip');

  await button(panel, 'Delete all conversations').click();
  await button(panel, 'Delete all conversations').click();
  await expect(panel).toContainText('It is deleted.');
  await expect(rows(page)).toHaveCount(0);
  await expect(chat.answers).toHaveCount(0);

  const choose = async (name: string, buffer: Buffer) => {
    const choosing = page.waitForEvent('filechooser');
    await button(panel, 'Choose files').click();
    await (await choosing).setFiles({ name, mimeType: 'application/json', buffer });
  };
  await choose('saved.json', file);
  await expect(panel).toContainText('1 conversation was taken in.');
  await choose('saved.json', file);
  await expect(panel).toContainText('1 was here already.');
  await choose('<img src=x onerror=alert(1)>.json', Buffer.from('{"no": "conversations"}'));
  await expect(panel).toContainText('no conversations in this file');
  await panel.getByRole('button', { name: 'Close' }).click();
  await title(rows(page).first()).click();
  await expect(chat.answers).toContainText('Again a square.');
  await expect(chat.answers).toContainText('2 of 2');
  await expect(page.getByRole('img', { name: 'square.png' })).toBeVisible();
});

test('everything is deleted, choices too', async ({ page }) => {
  const chat = await open(page);
  await chat.prefer(['Theme', 'dark']);
  await chat.ask('Hello');
  await chat.message.fill('Half a thought');
  await expect.poll(() => stored(page)).toContain('Half a thought');
  await button(side(page), 'Save, import, delete').click();
  const panel = page.getByRole('dialog', { name: 'Your data' });
  await button(panel, 'Delete everything').click();
  await expect(panel).toContainText('all downloaded models, lessons and preferences');
  await button(panel, 'Delete everything').click();
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', 'dark');
  await expect(rows(page)).toHaveCount(0);
  expect(await page.evaluate(() => ({ ...localStorage }))).toEqual({});
  await expect(chat.message).toHaveValue('');
  expect(await stored(page)).not.toContain('Half a thought');
});

test('where the browser keeps nothing, the page says so and goes on', async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
  });
  const chat = await open(page);
  await chat.ask('Hello');
  await expect(page.getByTestId('not-kept')).toContainText('does not let the page keep conversations');
  await button(page.getByRole('banner'), 'New conversation').click();
  await expect(chat.answers).toHaveCount(0);
  await title(rows(page).first()).click();
  await expect(chat.answers).toContainText('Fine.');
});

test('on a phone the list is over the page', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const chat = await open(page);
  await chat.ask('A question with a rather long first line that does not fit');
  await button(page.getByRole('banner'), 'Conversations').click();
  const panel = page.getByRole('dialog', { name: 'Conversations' });
  await expectAccessible(page);
  await button(panel, /^More about/).click();
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  await button(panel, 'New private conversation').click();
  await expect(panel).toBeHidden();
  await expect(chat.message).toBeFocused();
  await expect(chat.answers).toHaveCount(0);
});
