/** @file Conversations take turns, with the built-in model, and each prefills only what is new. */
import { chromium, expect, type Locator, type Page, test } from '@playwright/test';
import { cpuArgs, requireChromium } from '../tools/browser/chromium.ts';
import { Chat, showNumbers } from './support/chat.ts';
import { BLUE, drawPicture, RED } from './support/draw.ts';

const picture = drawPicture([
  { kind: 'circle', colour: RED, x: 0.25, y: 0.5, r: 0.17 },
  { kind: 'square', colour: BLUE, x: 0.74, y: 0.5, r: 0.16 },
]);
/** Upper bound of the tokens that a short question adds, with the end of the answer before it. */
const A_TURN = 60;

async function tokensOf(answer: Locator): Promise<{ prompt: number; reused: number }> {
  const numbers = answer.getByTestId('numbers');
  await expect(numbers).toBeVisible();
  const [prompt, reused] = [
    await numbers.getAttribute('data-prompt-tokens'),
    await numbers.getAttribute('data-reused-tokens'),
  ];
  return { prompt: Number(prompt), reused: Number(reused) };
}

const begin = (page: Page) =>
  page.getByRole('banner').getByRole('button', { name: 'New conversation', exact: true }).click();
/** Opens a conversation. It is read from storage, and until it is there the page shows the one before. */
async function goTo(page: Page, title: string): Promise<void> {
  const rows = page.getByRole('navigation', { name: 'Conversations' }).getByRole('listitem');
  const row = rows.filter({ hasText: title }).getByRole('button').first();
  await row.click();
  await expect(row).toHaveAttribute('aria-current', 'true');
}

test.use({ viewport: { width: 1280, height: 800 } });

test('going back to a conversation reads only what is new, pictures included', async ({ page }) => {
  await showNumbers(page);
  await page.goto('./');
  const chat = new Chat(page);
  await chat.attach('shapes.png', picture);
  const first = await chat.ask('What colour is the circle?');
  await expect(first).toContainText(/red/i);
  const { prompt } = await tokensOf(first);
  await begin(page);
  await chat.ask('Hello! How are you?');
  await goTo(page, 'What colour is the circle?');
  const again = await chat.ask('What shape is blue?');
  await expect(again).toContainText(/square/i);
  const tokens = await tokensOf(again);
  expect(tokens.reused).toBeGreaterThanOrEqual(prompt);
  expect(tokens.prompt - tokens.reused).toBeLessThan(A_TURN);
});

test('on the CPU too; and a question that is put differently keeps what comes before it', async ({ baseURL }) => {
  const browser = await chromium.launch({ executablePath: requireChromium(), args: cpuArgs });
  try {
    const page = await browser.newPage({
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      ...(baseURL ? { baseURL } : {}),
    });
    await showNumbers(page);
    await page.goto('./');
    const chat = new Chat(page);
    const { prompt: one } = await tokensOf(await chat.ask('Hello! How are you?'));
    await begin(page);
    const { prompt: other } = await tokensOf(await chat.ask('What can you do for me today?'));
    await goTo(page, 'Hello! How are you?');
    expect((await tokensOf(await chat.ask('Thank you!'))).reused).toBeGreaterThanOrEqual(one);
    await goTo(page, 'What can you do for me today?');
    const last = await tokensOf(await chat.ask('Thank you!'));
    expect(last.reused).toBeGreaterThanOrEqual(other);

    const question = page.getByRole('article', { name: 'You' }).last();
    await question.getByRole('button', { name: 'Edit the question', exact: true }).click();
    const field = page.getByRole('textbox', { name: 'Question', exact: true });
    await field.fill('And what else?');
    await field.press('Enter');
    const edited = chat.answers.last();
    await expect(edited.getByTestId('numbers')).not.toHaveAttribute('data-prompt-tokens', String(last.prompt));
    expect((await tokensOf(edited)).reused).toBeGreaterThanOrEqual(other);
  } finally {
    await browser.close();
  }
});
