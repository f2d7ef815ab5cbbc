/** @file Preferences apply at once, are stored, and are readable in every theme. */
import { expect, type Page, test } from '@playwright/test';
import packageJson from '../package.json' with { type: 'json' };
import { expectAccessible } from './support/axe.ts';
import { Chat, NAMES } from './support/chat.ts';
import { scriptWorker } from './support/scripted-worker.ts';

async function open(page: Page, language: 'en' | 'fr' = 'en'): Promise<Chat> {
  await scriptWorker(page, { answers: [{ deltas: ['Fine.'] }] });
  await page.goto('./');
  return new Chat(page, language);
}
const colour = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const [language, locale] of [
  ['en', 'en-GB'],
  ['fr', 'fr-CA'],
] as const)
  test.describe(language, () => {
    test.use({ locale });

    test('the preferences are accessible in each theme, also with high contrast', async ({ page }) => {
      const chat = await open(page, language);
      const preferences = page.getByRole('button', { name: NAMES[language].preferences });
      for (const theme of ['light', 'dark'])
        for (const contrast of ['system', 'more']) {
          await chat.prefer(
            [language === 'en' ? 'Theme' : 'Thème', theme],
            [language === 'en' ? 'Contrast' : 'Contraste', contrast],
          );
          await expectAccessible(page);
          await preferences.click();
          await expectAccessible(page);
          await page.keyboard.press('Escape');
          // The focus returns to the button that opened the panel.
          await expect(preferences).toBeFocused();
        }
    });
  });

test('more contrast is shown where the system wishes for it, or the person chose it', async ({ page }) => {
  const chat = await open(page);
  const before = await colour(page);
  await page.emulateMedia({ contrast: 'more' });
  await expect(page.locator('html')).toHaveAttribute('data-contrast', 'more');
  expect(await colour(page)).toBe('rgb(255, 255, 255)');
  await page.emulateMedia({ contrast: 'no-preference' });
  await expect.poll(() => colour(page)).toBe(before);
  await chat.prefer(['Contrast', 'High'], ['Theme', 'Dark']);
  expect(await colour(page)).toBe('rgb(0, 0, 0)');
  await page.reload();
  expect(await colour(page)).toBe('rgb(0, 0, 0)');
});

test('the largest text fits a phone, and is kept', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const chat = await open(page);
  const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize));
  const before = await size();
  await chat.prefer(['Text size', 'largest']);
  await page.reload();
  expect(await size()).toBe(before * 1.5);
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  expect(await width()).toBeLessThanOrEqual(360);
  await page.getByRole('button', { name: NAMES.en.preferences }).click();
  expect(await width()).toBeLessThanOrEqual(360);
});

test('where less motion is wished for, nothing moves by itself', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await scriptWorker(page, { loadTime: 100, answers: [{ deltas: Array<string>(50).fill('word '), pause: 50 }] });
  await page.goto('./');
  const chat = new Chat(page);
  await chat.message.fill('Hello');
  await chat.send.click();
  await expect(chat.answers).toContainText('word');
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

test('a part of the page that cannot be fetched is reported, and fetched at the next attempt', async ({ page }) => {
  await open(page);
  const preferences = page.getByRole('button', { name: NAMES.en.preferences });
  await page.route(/PreferencesPanel-.*\.js/, (route) => route.abort());
  await preferences.click();
  await expect(page.getByRole('dialog')).toContainText('could not be fetched');
  await page.keyboard.press('Escape');
  await expect(preferences).toBeFocused();
  await page.unroute(/PreferencesPanel-.*\.js/);
  await preferences.click();
  await expect(page.getByRole('dialog', { name: NAMES.en.preferences })).toBeVisible();
});

test('the preferences name the version and link to its changelog', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: NAMES.en.preferences }).click();
  await expect(page.getByTestId('version')).toContainText(`Fournil ${packageJson.version}`);
  const link = page.getByRole('link', { name: 'What’s new' });
  const response = await page.request.get(new URL((await link.getAttribute('href')) ?? '', page.url()).href);
  expect(response.headers()['content-type']).toContain('text/plain');
  expect(await response.text()).toContain(`## [${packageJson.version}]`);
});
