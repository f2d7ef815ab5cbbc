/** @file A conversation's settings, its context budget, and what happens when the context is full. */
import { expect, type Locator, type Page, test } from '@playwright/test';
import { DEFAULT_SAMPLING } from '../protocol/sampling.ts';
import { expectAccessible } from './support/axe.ts';
import { Chat, type Language, showNumbers } from './support/chat.ts';
import { scriptStore, stored } from './support/scripted-store.ts';
import { type Answer, type Script, scriptWorker } from './support/scripted-worker.ts';

const WORDS = {
  en: { settings: 'Settings', leaveOut: 'Leave out the oldest messages', sumUp: 'New conversation with a summary' },
  fr: {
    settings: 'Réglages',
    leaveOut: 'Écarter les plus anciens messages',
    sumUp: 'Nouvelle conversation avec un résumé',
  },
} as const;

const TEN = 'One two three four five six seven eight nine ten.';

/** Opens a page whose model has a context of 100 tokens: one for each word, and four for each message. */
async function open(page: Page, answers: Answer[], script: Partial<Script> = {}, language: Language = 'en') {
  await scriptWorker(page, { model: { contextLength: 100, sampling: DEFAULT_SAMPLING }, answers, ...script });
  await page.goto('./');
  return new Chat(page, language);
}

const meter = (page: Page) => page.getByTestId('context');
const full = (page: Page) => page.getByTestId('full');
const tokens = (page: Page, count: number) => expect(meter(page)).toHaveAttribute('data-prompt-tokens', String(count));

async function openSettings(page: Page, language: Language = 'en'): Promise<Locator> {
  await page.getByRole('button', { name: WORDS[language].settings, exact: true }).click();
  return page.getByRole('dialog');
}

test('settings of a conversation reach the model, and go back to its own', async ({ page }) => {
  const chat = await open(page, [{ deltas: ['{prompt} {options}'] }]);
  const panel = await openSettings(page);
  const field = (name: string) => panel.getByRole('textbox', { name });
  await expect(field('Top-p')).toHaveValue('0.95');
  await field('System prompt').fill('Be brief.');
  await field('Temperature').fill('0,7');
  await field('Top-k').fill('1.5');
  await expect(panel).toContainText('Please write a whole number, 0 or more.');
  await field('Top-k').fill('5');
  await field('Seed').fill('42');
  await field('Longest answer').fill('64');
  await expect(panel).toContainText('GPU: scripted');
  await page.keyboard.press('Escape');
  const answer = await chat.ask('Hello');
  await expect(answer).toContainText('Be brief. | Hello');
  await expect(answer).toContainText('"sampling":{"temperature":0.7,"top_k":5,"seed":42}');
  await expect(answer).toContainText('"maxNewTokens":64');
  // One setting is reset to the model's, then all.
  await openSettings(page);
  await panel.getByRole('button', { name: 'Seed: as the model says' }).click();
  await expect(field('Seed')).toBeFocused();
  await expect(field('Seed')).toHaveValue('');
  await panel.getByRole('button', { name: 'Everything as the model says' }).click();
  await expect(field('Temperature')).toHaveValue('1');
  await expect(field('System prompt')).toHaveValue('Be brief.');
  await page.keyboard.press('Escape');
  const next = await chat.ask('Again');
  // The answer ends with this; before it comes the whole prompt, the previous answer included.
  await expect(next.locator('.answer')).toHaveText(/Again \{"sampling":\{\}\}\s*$/);
});

test('the meter counts what the model would be told, once there is one', async ({ page }) => {
  const chat = await open(page, [{ deltas: [TEN] }], { loadTime: 1500 });
  const button = meter(page).getByRole('button');
  await expect(button).toHaveAccessibleName('How much room is left is known once a model is ready.');
  await tokens(page, 4);
  await chat.message.fill('a b c d');
  await tokens(page, 8);
  await chat.send.click();
  await tokens(page, 22);
  await chat.message.fill('e f');
  await tokens(page, 28);
  await expect(button).toHaveAccessibleName('Room in the conversation: 28 of 100 tokens taken');
  await button.click();
  const details = page.getByRole('dialog', { name: 'Room in the conversation' });
  await expect(details).toContainText('This message 6 tokens', { useInnerText: true });
  await expect(details).toContainText('Left for the answer 72 tokens', { useInnerText: true });
  await expect(details).toContainText('When it is full, you choose');
});

test('the oldest turns are left out where the person says so, and stay readable', async ({ page }) => {
  const chat = await open(page, [...Array<Answer>(4).fill({ deltas: [TEN] }), { deltas: ['{prompt}'] }]);
  for (const question of ['a1 b c d', 'a2 b c d', 'a3 b c d', 'a4 b c d']) await chat.ask(question);
  await expect(full(page)).toContainText('nearly full. Tokens left: 12');
  await full(page).getByRole('checkbox').check();
  await full(page).getByRole('button', { name: WORDS.en.leaveOut }).click();
  await expect(chat.message).toBeFocused();
  await expect(full(page)).toBeEmpty();
  await tokens(page, 44);
  const cut = page.getByTestId('cut');
  await expect(cut).toContainText('The model no longer sees what is above.');
  await expect(page.getByRole('article', { name: 'You' })).toHaveCount(4);
  const answer = await chat.ask('what');
  await expect(answer.locator('.answer')).toHaveText(`a3 b c d | ${TEN} | a4 b c d | ${TEN} | what`);
  // From now on the page shortens the prompt without asking, and only when it must.
  for (const question of ['a6 b c d', 'a7 b c d']) await chat.ask(question);
  await expect(chat.answers.last()).not.toContainText('a3');
  await expect(full(page)).toBeEmpty();
  await cut.getByRole('button', { name: 'Let it see everything' }).click();
  await expect(cut).toHaveCount(0);
  await expect(page.getByRole('article', { name: 'You' })).toHaveCount(7);
});

test('a question that does not fit is answered once there is room', async ({ page }) => {
  const chat = await open(page, [{ deltas: [TEN] }, { deltas: [TEN] }, { deltas: ['{prompt}'] }]);
  for (const question of ['a1 b c d', 'a2 b c d']) await chat.ask(question);
  const long = Array.from({ length: 60 }, (_, i) => `w${i}`).join(' ');
  await chat.ask(long);
  await expect(page.getByRole('alert')).toContainText('more than the model can hold');
  await full(page).getByRole('button', { name: WORDS.en.leaveOut }).click();
  await expect(chat.answers.last().locator('.answer')).toHaveText(long);
  await expect(page.getByTestId('cut')).toBeVisible();
  // A message that is too long alone cannot be shortened, and the page says so.
  await chat.ask(`${long} ${long}`);
  await full(page).getByRole('button', { name: WORDS.en.leaveOut }).click();
  await expect(full(page)).toContainText('The last message alone takes nearly all the room.');
});

test('a new conversation begins with the summary, as the person changed it', async ({ page }) => {
  const chat = await open(page, [
    ...Array<Answer>(4).fill({ deltas: [TEN] }),
    // The conversation is summarised in two parts.
    { deltas: ['The first half.'] },
    { deltas: ['A sum', 'mary.'], pause: 50 },
    { deltas: ['{prompt}'] },
  ]);
  for (const question of ['a b c d', 'a b c d', 'a b c d', 'a b c d']) await chat.ask(question);
  await chat.message.fill('to be asked');
  await full(page).getByRole('button', { name: WORDS.en.sumUp }).click();
  const text = page.getByRole('dialog').getByRole('textbox');
  await expect(text).toHaveValue('A summary.');
  await text.fill('Ten words, four times.');
  await page.getByRole('button', { name: 'Begin the new conversation' }).click();
  await expect(page.getByRole('article')).toHaveCount(0);
  await expect(page.getByText('Ten words, four times.')).toBeVisible();
  // The draft moves along.
  await expect(chat.message).toHaveValue('to be asked');
  await expect(chat.message).toBeFocused();
  await chat.send.click();
  await expect(chat.answers.last()).toContainText(/in short:\s*Ten words, four times\. \| to be asked/);
});

test('a model that the conversation asks for is offered, never opened silently', async ({ page }) => {
  await scriptStore(page.context(), { models: [stored('someone/large')] });
  await open(page, [{ deltas: [TEN] }]);
  const panel = await openSettings(page);
  await panel.getByRole('combobox', { name: 'Model' }).selectOption('large');
  await expect(panel).toContainText('asks for large, but Built-in model is open');
  await page.keyboard.press('Escape');
  const notice = page.getByTestId('model-switch');
  await expect(notice.getByRole('button', { name: 'Open large' })).toBeVisible();
  await expect(page.getByTestId('model-state')).toContainText('Built-in model');
  // The model is deleted meanwhile: the page says so, and the loaded one answers.
  await page.getByRole('button', { name: 'Models' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.keyboard.press('Escape');
  await expect(notice).toContainText('large, which is no longer on this computer');
  await notice.getByRole('button', { name: 'Stay with Built-in model' }).click();
  await expect(notice).toBeEmpty();
});

for (const [language, locale] of [
  ['en', 'en-GB'],
  ['fr', 'fr-CA'],
] as const)
  for (const [appearance, options] of [
    ['light, desktop', { colorScheme: 'light' }],
    ['dark, phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
    ['high contrast, phone', { contrast: 'more', viewport: { width: 360, height: 740 } }],
  ] as const)
    test.describe(`${language}, ${appearance}`, () => {
      test.use({ locale, ...options });

      test('settings, meter and choice are accessible, and fit', async ({ page }) => {
        const chat = await open(page, [{ deltas: [TEN] }], {}, language);
        const fits = async () => {
          const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(width).toBeLessThanOrEqual(0);
          await expectAccessible(page);
        };
        const panel = await openSettings(page, language);
        await panel.getByRole('textbox').nth(1).fill('0.5');
        await panel.getByRole('textbox').nth(2).fill('?');
        await fits();
        await page.keyboard.press('Escape');
        for (const question of ['a b c d', 'a b c d', 'a b c d', 'a b c d']) await chat.ask(question);
        await expect(full(page)).toContainText('12');
        await meter(page).getByRole('button').click();
        await expect(page.getByRole('dialog').getByText(/^88 /)).toBeVisible();
        await fits();
        await page.keyboard.press('Escape');
        await full(page).getByRole('button', { name: WORDS[language].sumUp }).click();
        await expect(panel.getByRole('textbox')).toHaveValue(TEN);
        await fits();
        await page.keyboard.press('Escape');
        await full(page).getByRole('button', { name: WORDS[language].leaveOut }).click();
        await expect(page.getByTestId('cut')).toBeVisible();
        await fits();
      });
    });

test('with the built-in model: same seed, same answer; the length that was asked for; the meter tells the truth', async ({
  page,
}) => {
  await showNumbers(page);
  await page.goto('./');
  const chat = new Chat(page);
  const texts: string[] = [];
  for (const seed of ['7', '7', '8']) {
    const panel = await openSettings(page);
    await panel.getByRole('textbox', { name: 'Temperature' }).fill('3');
    await panel.getByRole('textbox', { name: 'Seed' }).fill(seed);
    await panel.getByRole('textbox', { name: 'Longest answer' }).fill('6');
    await page.keyboard.press('Escape');
    await chat.message.fill('What can you do?');
    await meter(page).getByRole('button').click();
    // Once it is counted, the message is the whole prompt.
    await expect(page.getByRole('dialog')).toContainText(/This message\s*[1-9]/, { timeout: 60_000 });
    let promised = 0;
    // The meter is the sum of its parts: system prompt, conversation, this message.
    await expect
      .poll(async () => {
        promised = Number(await meter(page).getAttribute('data-prompt-tokens'));
        const parts = await page.getByRole('dialog').getByRole('definition').allInnerTexts();
        return parts.slice(0, 3).reduce((sum, text) => sum + parseInt(text), 0) - promised;
      })
      .toBe(0);
    await page.keyboard.press('Escape');
    await chat.send.click();
    const answer = chat.answers.last();
    await expect(answer).toContainText('reached the length');
    await expect(answer.getByTestId('numbers')).toHaveAttribute('data-prompt-tokens', `${promised}`);
    await expect(answer.getByTestId('numbers')).toHaveAttribute('data-generated-tokens', '6');
    texts.push(await answer.locator('.answer').innerText());
    await page.getByRole('button', { name: chat.names.fresh, exact: true }).click();
  }
  expect(texts[1]).toBe(texts[0]);
  expect(texts[2]).not.toBe(texts[0]);
});
