/** @file The page itself: accessible names, keyboard, pictures, languages, themes, accessibility. */
import { expect, type Page, test } from '@playwright/test';
import { contentSecurityPolicy, securityHeaders } from '../tools/serve/headers.ts';
import { expectAccessible } from './support/axe.ts';
import { Chat, NAMES } from './support/chat.ts';
import { drawPicture, GREEN } from './support/draw.ts';
import { scriptWorker } from './support/scripted-worker.ts';

/**
 * Opens the page with a scripted engine, for tests that need no real one: it would take the software GPU several seconds.
 * @param loadTime how long the model's loading takes, ms
 */
async function open(page: Page, loadTime = 0): Promise<void> {
  await scriptWorker(page, { answers: [{ deltas: ['Fine.'] }], loadTime });
  await page.goto('./');
}

const picture = drawPicture([{ kind: 'triangle', colour: GREEN, x: 0.5, y: 0.5, r: 0.3 }], 160);

for (const [language, locale] of [
  ['en', 'en-GB'],
  ['fr', 'fr-FR'],
] as const)
  test.describe(language, () => {
    test.use({ locale });

    test('everything has its name', async ({ page }) => {
      await open(page);
      const chat = new Chat(page, language);
      await expect(page.locator('html')).toHaveAttribute('lang', language);
      await expect(chat.message).toBeVisible();
      await expect(chat.send).toBeDisabled();
      for (const name of [NAMES[language].attach, NAMES[language].fresh])
        await expect(page.getByRole('button', { name, exact: true })).toBeVisible();
    });

    for (const colorScheme of ['light', 'dark'] as const)
      test.describe(colorScheme, () => {
        test.use({ colorScheme });
        test(`is accessible, empty and with a question`, async ({ page }) => {
          // The model is loading meanwhile.
          await open(page, 60_000);
          const chat = new Chat(page, language);
          await expectAccessible(page);
          await chat.attach('triangle.png', picture);
          await chat.message.fill('?');
          await chat.send.click();
          await expect(page.getByRole('article', { name: NAMES[language].you })).toBeVisible();
          await expectAccessible(page);
        });
      });
  });

test('pictures are chosen, dropped and removed', async ({ page }) => {
  await open(page);
  const chat = new Chat(page);
  await chat.attach('one.png', picture);
  await expect(page.getByRole('img', { name: 'one.png' })).toBeVisible();
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'two.png', { type: 'image/png' }));
    data.items.add(new File([new Uint8Array(9)], 'data.bin'));
    for (const type of ['dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, picture.toString('base64'));
  await expect(page.getByRole('img', { name: 'two.png' })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('data.bin is neither a picture, nor a PDF, nor text');
  await page.getByRole('button', { name: 'Remove one.png' }).click();
  await expect(page.getByRole('img', { name: 'one.png' })).toBeHidden();
  await expect(chat.message).toBeFocused();
  await expect(chat.send).toBeEnabled();
});

test('a picture that is too large is not taken, and the page says so', async ({ page }) => {
  await open(page);
  await page.evaluate(() => {
    const data = new DataTransfer();
    const vast = new File([new Uint8Array(50_000_001)], 'vast.png', { type: 'image/png' });
    data.items.add(vast);
    data.items.add(vast);
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await expect(page.getByRole('alert')).toContainText('vast.png is too large: pictures can have up to 50 MB.');
  await expect(page.getByRole('list', { name: 'Attached files' })).toHaveCount(0);
});

test('text that is copied with a picture of itself is pasted as text', async ({ page }) => {
  await open(page);
  const taken = await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text/plain', 'words');
    data.items.add(new File(['x'], 'words.png', { type: 'image/png' }));
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector('textarea')?.dispatchEvent(event);
    return event.defaultPrevented;
  });
  expect(taken).toBe(false);
  await expect(page.getByRole('img', { name: 'words.png' })).toHaveCount(0);
});

test('Enter that chooses a word in an input method does not send', async ({ page }) => {
  await open(page);
  const chat = new Chat(page);
  await chat.message.fill('日本');
  await chat.message.evaluate((textarea) => {
    for (const composing of [{ isComposing: true }, { keyCode: 229 }])
      textarea.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...composing }),
      );
  });
  await expect(chat.message).toHaveValue('日本');
  await expect(page.getByRole('article')).toHaveCount(0);
});

test('Shift+Enter breaks the line, Enter sends, focus stays', async ({ page }) => {
  await open(page);
  const chat = new Chat(page);
  await chat.message.focus();
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await expect(chat.message).toHaveValue('one\ntwo');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article', { name: NAMES.en.you }).locator('p')).toHaveText('one\ntwo');
  await expect(chat.message).toHaveValue('');
  await expect(chat.message).toBeFocused();
  await page.getByRole('button', { name: NAMES.en.fresh }).click();
  await expect(page.getByRole('article')).toHaveCount(0);
  await expect(chat.message).toBeFocused();
});

test('language and theme are chosen, and kept', async ({ page }) => {
  await open(page);
  await new Chat(page).prefer(['Language', 'fr'], ['Thème', 'dark']);
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('a chosen theme is shown whatever the system wants', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page);
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await colour();
  const chat = new Chat(page);
  await chat.prefer(['Theme', 'light']);
  const light = await colour();
  expect(light).not.toBe(dark);
  await expect(page.locator('meta[name="theme-color"]').first()).toHaveAttribute('content', light);
  await chat.prefer(['Theme', 'system']);
  expect(await colour()).toBe(dark);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await colour()).toBe(light);
});

test('a model that does not arrive is said, and can be tried again', async ({ page }) => {
  await page.route('**/models/built-in/tokenizer.json', (route) =>
    route.fulfill({ status: 200, body: '<html>Sign in</html>' }),
  );
  await page.goto('./');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('arrived damaged', { timeout: 60_000 });
  await alert.getByText('Technical details').click();
  await expect(alert).toContainText('tokenizer.json');
  await page.unroute('**/models/built-in/tokenizer.json');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
});

test('a broken picture is said before it is sent, and the question is not lost', async ({ page }) => {
  await open(page);
  const chat = new Chat(page);
  await chat.message.fill('What is this?');
  await chat.attach('broken.png', picture.subarray(0, 200));
  await expect(page.getByRole('alert')).toContainText('broken.png cannot be read');
  await expect(page.getByRole('list', { name: 'Attached files' })).toHaveCount(0);
  await expect(chat.message).toHaveValue('What is this?');
});

test('a message that is too long is said', async ({ page }) => {
  await page.goto('./');
  const chat = new Chat(page);
  await chat.message.fill('7'.repeat(2000));
  await chat.send.click();
  await expect(page.getByRole('alert')).toContainText('more than the model can hold', { timeout: 60_000 });
  await expect(chat.message).toBeFocused();
});

for (const locale of ['en-GB', 'fr-FR'])
  test.describe(locale, () => {
    test.use({ locale });
    test('the head of the page fits every width, and nothing covers anything', async ({ page }) => {
      await open(page);
      await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
      for (let width = 320; width <= 1400; width += 60) {
        await page.setViewportSize({ width, height: 500 });
        const measure = () =>
          page.evaluate(() => {
            const parts = 'header h1, header button, header [data-testid=model-state]';
            const seen = [...document.querySelectorAll<HTMLElement>(parts)].filter((part) => part.offsetParent);
            const boxes = seen.map((part) => ({ name: part.textContent.trim(), box: part.getBoundingClientRect() }));
            const over = (a: DOMRect, b: DOMRect) =>
              a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 1 && b.bottom > a.top + 1;
            const pairs = boxes.flatMap((a, i) => boxes.slice(i + 1).map((b) => [a, b] as const));
            return {
              covered: pairs.filter(([a, b]) => over(a.box, b.box)).map(([a, b]) => `${a.name} | ${b.name}`),
              wide: document.documentElement.scrollWidth,
            };
          });
        // Parts that scripts fit to the window's width may take a moment.
        await expect.poll(measure, { message: `at ${width} pixels` }).toEqual({ covered: [], wide: width });
      }
    });
  });

test('fits a phone of 320 pixels', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await open(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(320);
});

test('the policy forbids inline scripts and other places, and nothing breaks it', async ({ page }) => {
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text()))
      troubles.push(message.text());
  });
  const response = await page.goto('./');
  expect(response?.headers()['content-security-policy']).toBe(securityHeaders['Content-Security-Policy']);
  const meta = page.locator('meta[http-equiv="Content-Security-Policy"]');
  await expect(meta).toHaveAttribute('content', contentSecurityPolicy);
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
  expect(troubles).toEqual([]);
  const leak = await page.evaluate(() =>
    fetch('https://example.org/').then(
      () => 'sent',
      () => 'refused',
    ),
  );
  expect(leak).toBe('refused');
});
