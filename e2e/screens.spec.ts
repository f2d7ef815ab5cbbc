/**
 * @file Screenshots of the main views, compared with docs/screens/ with a tolerance. `npx playwright test screens -u`
 * renews them.
 */
import { expect, type Page, test } from '@playwright/test';
import { Chat, type Language, showNumbers } from './support/chat.ts';
import { BLUE, drawPicture, RED } from './support/draw.ts';
import { expectScreenshot } from './support/screenshot.ts';
import { type Answer, scriptWorker } from './support/scripted-worker.ts';

test.use({ bypassCSP: true });

const desktop = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };
const picture = drawPicture(
  [
    { kind: 'square', colour: BLUE, x: 0.3, y: 0.5, r: 0.2 },
    { kind: 'circle', colour: RED, x: 0.72, y: 0.4, r: 0.18 },
  ],
  240,
);

const TABLE = '| Shape | Colour |\n| --- | --- |\n| square | blue |\n| circle | red |\n';
const ANSWERS: Answer[] = [
  { deltas: ['A **blue square** on the left and a **red circle** on the right, on a white background.'] },
  { deltas: [`Here they are as a table:\n\n${TABLE}\n1. The square is larger.\n2. The circle is higher.`] },
  { deltas: [`Of course:\n\n${TABLE}`] },
];

async function open(page: Page, language: Language, path = './'): Promise<Chat> {
  await scriptWorker(page, { answers: ANSWERS });
  await page.goto(path);
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
  return new Chat(page, language);
}

for (const [name, language, locale, colorScheme, viewport] of [
  ['desktop', 'en', 'en-GB', 'light', desktop],
  ['phone', 'fr', 'fr-FR', 'dark', phone],
] as const)
  test.describe(name, () => {
    test.use({ locale, colorScheme, viewport });

    test('the page before the first message', async ({ page }) => {
      await open(page, language);
      await expectScreenshot(page, `welcome-${name}`);
    });

    test('a conversation with a picture, a table and two versions of an answer', async ({ page }) => {
      await showNumbers(page);
      const chat = await open(page, language);
      await chat.attach('shapes.png', picture);
      await chat.ask(language === 'fr' ? 'Que vois-tu ?' : 'What do you see?');
      await page.getByRole('banner').getByRole('button', { name: chat.names.fresh }).click();
      await chat.attach('shapes.png', picture);
      const answer = await chat.ask(language === 'fr' ? 'Fais-en un tableau' : 'Make it a table');
      await answer.getByRole('button', { name: language === 'fr' ? 'Répondre à nouveau' : 'Answer again' }).click();
      await expect(chat.answers).toContainText(language === 'fr' ? '2 sur 2' : '2 of 2');
      await expect(page.getByTestId('context')).toHaveAttribute('data-prompt-tokens', /\d/);
      await chat.message.focus();
      await expectScreenshot(page, `conversation-${name}`);
    });

    test('the settings of a conversation', async ({ page }) => {
      await open(page, language);
      await page.getByRole('button', { name: language === 'fr' ? 'Réglages' : 'Settings', exact: true }).click();
      await expect(page.getByRole('dialog').getByRole('textbox').first()).toBeVisible();
      await expectScreenshot(page, `settings-${name}`);
    });

    test('the lessons', async ({ page }) => {
      await open(page, language);
      const lessons = language === 'fr' ? 'Leçons' : 'Lessons';
      await page.getByRole('main').getByRole('button', { name: lessons }).click();
      await expect(page.getByRole('dialog').getByRole('article')).toHaveCount(12);
      await expectScreenshot(page, `lessons-${name}`);
    });

    test('the check before a demonstration', async ({ page }) => {
      await scriptWorker(page, { answers: ANSWERS });
      await page.goto('./?demo');
      await expect(page.locator('[data-check="warm"]')).toHaveAttribute('data-outcome', 'good');
      await expectScreenshot(page, `demo-${name}`);
    });
  });
