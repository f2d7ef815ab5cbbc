/** @file Attachments of a message (documents, PDFs, pictures), files that are refused, shortcuts and speech. */
import { expect, type Locator, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat, NAMES } from './support/chat.ts';
import { encryptedPdf, makePdf } from './support/pdf.ts';
import { type Script, scriptWorker } from './support/scripted-worker.ts';

async function open(page: Page, script: Partial<Script> = {}): Promise<Chat> {
  await scriptWorker(page, { answers: [{ deltas: ['{prompt}'] }], ...script });
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

test('documents are counted, put before the question in the prompt, and can be read again', async ({ page }) => {
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

test('the text of a PDF goes into the prompt, of the pages that are chosen', async ({ page }) => {
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

test('a message that is more than the model holds is said before it is sent, with what can be done', async ({
  page,
}) => {
  const chat = await open(page, { model: { contextLength: 64 } });
  const pages = [1, 2].map((number) => ({ lines: [`Page ${number}`, ...Array<string>(6).fill('word '.repeat(5))] }));
  await attach(page, { 'long.pdf': makePdf(pages) });
  const fit = page.getByTestId('fit');
  await expect(fit).toContainText('takes 71 tokens, and the model holds 64');
  await chat.message.fill('Sum it up');
  await chat.send.click();
  await expect(page.getByRole('alert')).toContainText('more than the model can hold');
  await page.getByRole('button', { name: 'Change the message' }).click();
  await expect(chat.message).toHaveValue('Sum it up');
  await expect(files(page)).toContainText('long.pdf');
});

test('a model that sees no pictures says so before they are sent', async ({ page }) => {
  await open(page, { model: { vision: false } });
  await attach(page, { 'scan.pdf': makePdf(['square']) });
  await expect(page.getByTestId('fit')).toHaveText(/sees no pictures/);
  await page.getByRole('button', { name: 'Remove scan.pdf' }).click();
  await expect(page.getByTestId('fit')).toHaveCount(0);
});

test('pictures and documents are pasted', async ({ page }) => {
  await open(page);
  await page.evaluate(() => {
    const data = new DataTransfer();
    const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    data.items.add(new File([Uint8Array.from(atob(dot), (c) => c.charCodeAt(0))], 'dot.png', { type: 'image/png' }));
    data.items.add(new File(['words'], 'words.md'));
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector('textarea')?.dispatchEvent(event);
  });
  await expect(files(page).getByRole('img', { name: 'dot.png' })).toBeVisible();
  await expect(states(page)).toHaveText(/tokens/);
});

test('malicious names and documents do no harm', async ({ page }) => {
  const troubles: string[] = [];
  page.on('dialog', (dialog) => {
    troubles.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  const chat = await open(page);
  const name = '<img src=x onerror=alert(1)>.txt';
  await attach(page, {
    [name]: '<script>alert(3)</script>\n```\n<img src=x onerror=alert(4)>',
    '"><svg onload=alert(5)>.pdf': makePdf([{ lines: ['<script>alert(2)</script>'] }], {
      catalog: '/OpenAction << /S /JavaScript /JS (app.alert(6)) >>',
    }),
  });
  await expect(states(page)).toHaveCount(2);
  await expect(files(page)).toContainText(name);
  const answer = await chat.ask('?');
  await expect(page.getByRole('article', { name: NAMES.en.you })).toContainText(name);
  await expect(answer.locator('img, script, svg[onload]')).toHaveCount(0);
  expect(troubles).toEqual([]);
});

test('a camera that is refused, missing or in use is said, and can be tried again', async ({ page }) => {
  await page.addInitScript(() => {
    const outcomes = ['NotAllowedError', 'NotFoundError', 'NotReadableError'];
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', outcomes.shift()));
  });
  await open(page);
  await page.getByRole('button', { name: 'Take a picture' }).click();
  const dialog = page.getByRole('dialog', { name: 'Take a picture' });
  for (const words of ['does not let this page use the camera', 'No camera was found', 'in use by another program']) {
    await expect(dialog.getByRole('alert')).toContainText(words);
    await dialog.getByRole('button', { name: 'Try again' }).click();
  }
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });

  test('the phone’s own camera takes the picture, and everything fits', async ({ page }) => {
    await open(page);
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Take a picture' }).click();
    const chooser = await choosing;
    expect(await chooser.element().getAttribute('capture')).toBe('environment');
    await page.locator('input[type=file]:not([capture])').setInputFiles({
      name: 'a-name-that-is-much-longer-than-a-phone-is-wide.pdf',
      mimeType: 'application/pdf',
      buffer: makePdf([{ lines: ['One'] }, 'square']),
    });
    await expect(files(page)).toContainText('1 of these pages has no text');
    await expect(states(page)).toContainText('tokens');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });
});

test('a question is spoken only where the browser understands it on this computer', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('button', { name: 'Speak' })).toHaveCount(0);
  await page.addInitScript(() => {
    class Recognition {
      static available = () => Promise.resolve('available');
      onresult: ((event: object) => void) | null = null;
      onend: (() => void) | null = null;
      #local = false;
      get processLocally() {
        return this.#local;
      }
      set processLocally(value) {
        this.#local = value;
      }
      start() {
        if (!this.#local) throw new Error('what is said would leave this computer');
        const result = Object.assign([{ transcript: 'what is this' }], { isFinal: true });
        setTimeout(() => this.onresult?.({ resultIndex: 0, results: [result] }), 50);
      }
      stop() {
        this.onend?.();
      }
      abort() {
        this.onend?.();
      }
    }
    Object.assign(window, { SpeechRecognition: Recognition });
  });
  await page.reload();
  const chat = new Chat(page);
  await chat.message.fill('Look:');
  await page.getByRole('button', { name: 'Speak' }).click();
  await expect(chat.message).toHaveValue('Look: what is this');
  await page.getByRole('button', { name: 'Stop listening' }).click();
  await expect(page.getByRole('button', { name: 'Speak' })).toBeVisible();
});

test('the keys that are listed do what is said of them', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const chat = await open(page, {
    answers: [{ deltas: ['One.'] }, { deltas: Array<string>(500).fill('more '), pause: 20 }],
  });
  await page.keyboard.press('Control+/');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(list).toContainText('Stop the answer');
  await expectAccessible(page);
  // While a panel is open, shortcuts do nothing.
  await page.keyboard.press('Control+Shift+O');
  await expect(list).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(list).toBeHidden();
  await chat.ask('First');
  await page.keyboard.press('Control+Shift+C');
  await expect(page.getByText('Copied', { exact: false })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('One.');
  await chat.message.fill('Second');
  await page.keyboard.press('Enter');
  await expect(chat.answers.nth(1)).toContainText('more');
  await page.getByRole('region', { name: 'Conversation' }).focus();
  await page.keyboard.press('Shift+Escape');
  await expect(chat.message).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(chat.answers.nth(1)).toContainText('Stopped.');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.press('Control+;');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+.');
  await expect(page.getByRole('dialog', { name: 'Preferences' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Shift+O');
  await expect(page.getByRole('article')).toHaveCount(0);
  await expect(chat.message).toBeFocused();
});
