/** What goes with a message: documents, PDFs, the camera, and what is refused; shortcuts and speech. */
import { expect, type Locator, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat, NAMES } from './support/chat.ts';
import { encryptedPdf, makePdf } from './support/pdf.ts';
import { type Script, scriptWorker } from './support/scripted-worker.ts';

async function open(page: Page, script: Partial<Script> = {}): Promise<Chat> {
  await scriptWorker(page, { answers: [{ deltas: ['{told}'] }], ...script });
  await page.goto('./');
  return new Chat(page);
}

const TYPES: Record<string, string> = { pdf: 'application/pdf', txt: 'text/plain', csv: 'text/csv' };

async function attach(page: Page, files: Record<string, Buffer | string>): Promise<void> {
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: NAMES.en.attach, exact: true }).click();
  await (
    await choosing
  ).setFiles(
    Object.entries(files).map(([name, content]) => ({
      name,
      mimeType: TYPES[name.replace(/^.*\./, '')] ?? '',
      buffer: Buffer.from(content),
    })),
  );
}

const files = (page: Page): Locator => page.getByRole('list', { name: 'Attached files' });
const states = (page: Page): Locator => page.getByTestId('document-state');

test('documents are counted, told to the model before the question, and can be read again', async ({ page }) => {
  const chat = await open(page);
  await attach(page, {
    'notes.txt': 'alpha\r\nbeta',
    'table.csv': Buffer.from([0xff, 0xfe, 0x61, 0, 0x2c, 0, 0x62, 0]),
  });
  await expect(states(page)).toHaveText(['9 tokens', '8 tokens']);
  const answer = await chat.ask('Which words?');
  await expect(answer.locator('pre code')).toHaveText(['alpha\nbeta', 'a,b']);
  await expect(answer).toContainText(/notes\.txt[^]*table\.csv[^]*Which words\?/);
  await expect(files(page)).toHaveCount(0);
  const you = page.getByRole('article', { name: NAMES.en.you });
  await you.getByText('notes.txt').click();
  await expect(you.getByRole('region', { name: 'notes.txt' })).toHaveText('alpha\nbeta');
  await expectAccessible(page);
});

test('a PDF is told as text, of the pages that are chosen', async ({ page }) => {
  const chat = await open(page);
  await attach(page, {
    'report.pdf': makePdf([
      { lines: ['First page, one', 'First page, two'] },
      { lines: ['Second page'] },
      { lines: ['Third'] },
    ]),
  });
  await expect(states(page)).toHaveText('16 tokens');
  await page.getByRole('spinbutton', { name: 'Pages' }).fill('2');
  await page.getByRole('spinbutton', { name: 'to' }).fill('99');
  await page.getByRole('spinbutton', { name: 'to' }).press('Tab');
  await expect(page.getByRole('spinbutton', { name: 'to' })).toHaveValue('3');
  await expectAccessible(page);
  const answer = await chat.ask('And?');
  await expect(answer).toContainText('report.pdf, p. 2–3');
  await expect(answer).toContainText('Second page');
  await expect(answer).not.toContainText('First page');
});

test('pages of a PDF go as pictures on request; of a scan they do by themselves', async ({ page }) => {
  const chat = await open(page);
  await attach(page, { 'text.pdf': makePdf([{ lines: ['Words'] }]), 'scan.pdf': makePdf(['square', 'square']) });
  await page.getByRole('combobox', { name: 'Send' }).selectOption('its pages as pictures');
  await expect(files(page)).toContainText('There is no text in it');
  await expect(chat.message).toBeVisible();
  await chat.ask('What is there?');
  const you = page.getByRole('article', { name: NAMES.en.you });
  await expect(you.getByRole('img')).toHaveCount(3);
  const scanned = you.getByRole('img', { name: 'scan.pdf, p. 2' });
  await expect(scanned).toBeVisible();
  const colour = await scanned.evaluate((img: HTMLImageElement) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d');
    context?.drawImage(img, img.naturalWidth / 2, img.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
    return { pixel: Array.from(context?.getImageData(0, 0, 1, 1).data ?? []), height: img.naturalHeight };
  });
  expect(colour.height).toBe(1792);
  expect(colour.pixel[0]).toBeGreaterThan(240);
  expect(colour.pixel[1]).toBeLessThan(15);
});

test('PDFs that cannot be read say why, and the question stays', async ({ page }) => {
  const chat = await open(page);
  await chat.message.fill('Sum it up');
  await attach(page, { 'locked.pdf': encryptedPdf(), 'damaged.pdf': 'no PDF at all' });
  await expect(page.getByRole('alert')).toContainText('locked.pdf is protected by a password');
  await expect(page.getByRole('alert')).toContainText('damaged.pdf cannot be read: it is damaged, or no PDF');
  await expect(files(page)).toHaveCount(0);
  await expect(chat.message).toHaveValue('Sum it up');
});
