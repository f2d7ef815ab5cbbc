/** @file A demonstration is checked before it begins, advanced and restarted by keys, and never stored. */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { type Failure, scriptWorker } from './support/scripted-worker.ts';

const check = (page: Page, name: string) => page.locator(`[data-check="${name}"]`);
const answers = (page: Page) => page.getByRole('article', { name: 'Answer' });
const questions = (page: Page) => page.getByRole('article', { name: 'You' });

test('a demonstration is checked, stepped through by keys, and begun again', async ({ page }) => {
  await scriptWorker(page, {
    answers: [{ deltas: ['{options}'] }, { deltas: ['A red circle.'] }, { deltas: ['Three.'] }],
  });
  await page.goto('./?demo');
  await expect(page.getByRole('heading')).toHaveText('Shapes and colours');
  for (const name of ['prompts', 'model', 'warm'])
    await expect(check(page, name)).toHaveAttribute('data-outcome', 'good');
  await expect(check(page, 'warm')).toContainText('first token after 0.4');
  // Without a service worker the page would not open offline, and says so.
  await expect(page.getByText('Not everything is ready yet.')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Begin full-screen' }).click();
  await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true);
  // The type is at least 1.25 times as large as usual.
  expect(await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize))).toBeGreaterThan(
    19,
  );

  await page.keyboard.press('PageDown');
  await expect(answers(page)).toContainText('A red circle.');
  await expect(questions(page).getByRole('img')).toBeVisible();
  await expect(page.getByText('2 of 4: How many shapes are there?')).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(answers(page)).toHaveCount(2);
  await expect(answers(page).nth(1)).toContainText('Three.');
  await expectAccessible(page);
  await page.keyboard.press('Space');
  await expect(answers(page)).toHaveCount(3);
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText('That was the last prompt.')).toBeVisible();
  // It is the last step.
  await page.keyboard.press('ArrowRight');
  await expect(answers(page)).toHaveCount(4);
  await page.keyboard.press('r');
  await expect(answers(page)).toHaveCount(0);
  await expect(page.getByText('1 of 4: Describe this picture.')).toBeVisible();

  // Nothing of it is stored.
  await page.goto('./');
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(page.getByRole('navigation', { name: 'Conversations' })).toBeVisible();
  await expect(page.getByRole('navigation').getByRole('listitem')).toHaveCount(0);
});

test('an answer that runs on is stopped by a key', async ({ page }) => {
  await scriptWorker(page, { answers: [{ deltas: ['.'] }, { deltas: Array<string>(500).fill('more '), pause: 20 }] });
  await page.goto('./?demo=shapes');
  await expect(check(page, 'warm')).toHaveAttribute('data-outcome', 'good');
  await page.getByRole('button', { name: 'Begin full-screen' }).click();
  await page.keyboard.press('ArrowRight');
  await expect(answers(page)).toContainText('more');
  await page.keyboard.press('PageUp');
  await expect(answers(page)).toHaveAttribute('aria-busy', 'false');
});

test('what is not ready is said, and a lesson that is not there', async ({ page }) => {
  await scriptWorker(page, {
    loadFailures: Array(5).fill({ code: 'internal', detail: 'scripted' }) as Failure[],
    answers: [{ deltas: ['.'] }],
  });
  await page.goto('./?demo=debate-partner');
  await expect(check(page, 'model')).toHaveAttribute('data-outcome', 'bad');
  for (const name of ['nothing-like-it', '../catalogue', '%3Cimg%20src=x%3E']) {
    await page.goto(`./?demo=${name}`);
    await expect(page.getByRole('alert')).toContainText('There is no lesson');
  }
});
