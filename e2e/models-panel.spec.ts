/** @file The models panel, with a scripted store: choosing, downloading, managing and sharing models. */
import { expect, type Locator, type Page, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';
import { Chat } from './support/chat.ts';
import { plan, scriptStore, stored, type StoreScript } from './support/scripted-store.ts';
import { type Script, scriptWorker } from './support/scripted-worker.ts';

const M270 = 'onnx-community/gemma-3-270m-it-ONNX';
const M1 = 'onnx-community/gemma-3-1b-it-ONNX-GQA';
const MINE = 'someone/my-gemma';
const plans = { [M1]: plan(M1), [MINE]: plan(MINE, { size: 5e8 }) };

const NAMES = {
  en: { models: 'Models', download: 'Download', accept: 'I accept, download' },
  fr: { models: 'Modèles', download: 'Télécharger', accept: 'J’accepte, télécharger' },
};

async function open(page: Page, store: StoreScript = {}, engine: Partial<Script> = {}): Promise<void> {
  await scriptWorker(page, { answers: [{ deltas: ['Hello.'] }], ...engine });
  await scriptStore(page, { plans, ...store });
  await page.goto('./');
}

const panelOf = (page: Page): Locator => page.getByRole('dialog');
const cardOf = (page: Page, name: string): Locator => panelOf(page).getByRole('article', { name, exact: true });
const button = (place: Locator | Page, name: string): Locator => place.getByRole('button', { name, exact: true });

async function openPanel(page: Page, store: StoreScript = {}, engine: Partial<Script> = {}): Promise<Locator> {
  await open(page, store, engine);
  await button(page, 'Models').click();
  await expect(panelOf(page)).toBeVisible();
  return panelOf(page);
}

async function download(page: Page, language: keyof typeof NAMES = 'en'): Promise<Locator> {
  const card = cardOf(page, 'Gemma 3 1B');
  await button(card, NAMES[language].download).click();
  await button(card, NAMES[language].accept).click();
  return card;
}

for (const [language, locale] of [
  ['en', 'en-GB'],
  ['fr', 'fr-FR'],
] as const)
  for (const colorScheme of ['light', 'dark'] as const)
    test.describe(`${language}, ${colorScheme}`, () => {
      test.use({ locale, colorScheme });
      test('the panel is accessible, with terms, a download and a stored model', async ({ page }) => {
        await open(page, { models: [stored(M270, { lastUsed: Date.now() })], until: 0.5 });
        await button(page, NAMES[language].models).click();
        const card = cardOf(page, 'Gemma 3 1B');
        await button(card, NAMES[language].download).click();
        await expect(button(card, NAMES[language].accept)).toBeVisible();
        await expectAccessible(page);
        await button(card, NAMES[language].accept).click();
        await expect(card.getByRole('progressbar', { name: 'Gemma 3 1B' })).toBeVisible();
        await expectAccessible(page);
      });
    });

test('it opens and closes by keyboard, and the focus comes back', async ({ page }) => {
  await open(page);
  await button(page, 'Models').focus();
  await page.keyboard.press('Enter');
  await expect(panelOf(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(panelOf(page)).toBeHidden();
  await expect(button(page, 'Models')).toBeFocused();
});

test('nothing of it is fetched before it is opened', async ({ page }) => {
  const scripts: string[] = [];
  page.on('request', (request) => scripts.push(request.url()));
  await open(page);
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
  expect(scripts.filter((url) => /ModelsPanel|store-worker/.test(url))).toEqual([]);
});

test('a model says what it costs and whether it fits', async ({ page }) => {
  await openPanel(page);
  const card = cardOf(page, 'Gemma 3 4B');
  await expect(card).toContainText('about 3.3 GB to download and store');
  await expect(card).toContainText('sees pictures');
  await expect(card.getByRole('link')).toHaveAttribute('href', 'https://ai.google.dev/gemma/terms');
  await expect(card.getByTestId('verdict')).not.toHaveText('Looking at this computer…');
});

test('what does not fit is said before anything is fetched', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.storage.estimate = () => Promise.resolve({ usage: 0, quota: 2.1e9 });
  });
  const small = { adapter: '', maxBufferSize: 2 ** 27, maxStorageBufferBindingSize: 2 ** 27 };
  await openPanel(page, {}, { device: { webgpu: small } });
  const verdict = (name: string) => cardOf(page, name).getByTestId('verdict');
  await expect(verdict('Gemma 3 4B')).toHaveText(
    'Needs 3.3 GB of storage, and the browser has 2.1 GB free for this page.',
  );
  await expect(verdict('Gemma 3 1B')).toContainText('this GPU’s buffers are too small');
});

test('without a GPU it says that it will be slow', async ({ page }) => {
  const panel = await openPanel(page, {}, { device: { webgpu: null, reason: 'no-webgpu' } });
  await expect(panel).toContainText('This browser offers no GPU');
  await expect(cardOf(page, 'Gemma 3 270M').getByTestId('verdict')).toContainText('will be slow');
});

test('the terms are accepted once; then it is fetched, paused, resumed, used and remembered', async ({ page }) => {
  const panel = await openPanel(page, {}, { model: { id: M1 } });
  const card = cardOf(page, 'Gemma 3 1B');
  await button(card, 'Download').click();
  await button(card, 'Not now').click();
  await expect(button(card, 'Download')).toBeVisible();
  await download(page);
  await expect(card).toContainText('of 859 MB');
  await expect(page).toHaveTitle(/^\d+% · Fournil/);
  await button(card, 'Pause').click();
  await expect(card).toContainText('Paused at');
  await expect(page).toHaveTitle(/^Fournil/);
  await button(card, 'Resume').click();
  await expect(button(card, 'Use')).toBeVisible();
  const mine = panel.getByRole('textbox');
  await mine.fill(MINE);
  await mine.press('Enter');
  await button(cardOf(page, 'my-gemma'), 'Download').click();
  await expect(cardOf(page, 'my-gemma').getByRole('progressbar')).toBeVisible();
  await expect(button(cardOf(page, 'my-gemma'), 'Use')).toBeVisible();

  await button(card, 'Use').click();
  await expect(panel).toBeHidden();
  const state = page.getByTestId('model-state');
  await expect(state).toContainText('Gemma 3 1B');
  await expect(state).toContainText('Checking the files');
  await expect(state).toHaveAttribute('data-state', 'ready');
  await page.reload();
  await expect(state).toContainText('Gemma 3 1B');
  await expect(state).toHaveAttribute('data-state', 'ready');
  await expect(page.getByText('tiny demonstration')).toHaveCount(0);
  await expect(await new Chat(page).ask('Hello')).toContainText('Hello.');
});

const REASONS: [NonNullable<StoreScript['waiting']>, string][] = [
  [{ reason: 'network', until: null }, 'Waiting for the network…'],
  [{ reason: 'web-page', until: null }, 'you may have to log in to the Wi-Fi first'],
  [{ reason: 'server-busy', until: Date.now() + 3_600_000 }, 'The server is busy.'],
];
for (const [waiting, text] of REASONS)
  test(`why nothing comes is said: ${waiting.reason}`, async ({ page }) => {
    await openPanel(page, { until: 0.3, waiting });
    const card = await download(page);
    await expect(card.getByRole('status')).toContainText(text);
    if (waiting.until !== null) await expect(card).toContainText('Next try in');
  });

test('a download goes on after a reload, and waits after a visit that ended', async ({ page, context }) => {
  await openPanel(page, { until: 0.5 });
  await download(page);
  await expect(page).toHaveTitle(/^50%/);
  await page.reload();
  await expect(page).toHaveTitle(/^50%/);
  await page.close();
  const later = await context.newPage();
  await openPanel(later, { until: 0.5 });
  await expect(cardOf(later, 'Gemma 3 1B')).toContainText('Paused at 50%');
  await expect(later).toHaveTitle(/^Fournil/);
});

test('a download is seen in another tab, and can be paused from there', async ({ page, context }) => {
  await openPanel(page, { until: 0.5 });
  await download(page);
  const other = await context.newPage();
  await openPanel(other);
  const card = cardOf(other, 'Gemma 3 1B');
  await expect(card.getByRole('progressbar')).toBeVisible();
  await expect(card).toContainText('Another tab is fetching it.');
});

test('a download is cancelled, and its space is free', async ({ page }) => {
  const panel = await openPanel(page, { until: 0.5 });
  const card = await download(page);
  await expect(card).toContainText('50%');
  await button(card, 'Cancel').click();
  await button(card, 'Delete').click();
  await expect(button(card, 'Download')).toBeVisible();
  await expect(panel).toContainText('No model is stored yet.');
});

test('what goes wrong is a sentence, with its cause one click away', async ({ page }) => {
  await openPanel(page, { failures: { fetch: { code: 'quota', detail: '859106816 bytes are needed' } } });
  const card = await download(page);
  await expect(card.getByRole('alert')).toContainText('The browser has no room left');
  await card.getByText('Technical details').click();
  await expect(card.getByRole('alert')).toContainText('859106816 bytes');
});

test('stored models are deleted, one or all, after a question', async ({ page }) => {
  const panel = await openPanel(page, { models: [stored(M270), stored(M1), stored(MINE)] });
  const row = (name: string) => panel.getByRole('listitem').filter({ hasText: name });
  await button(row('my-gemma'), 'Delete').click();
  await expect(row('my-gemma')).toContainText('Delete my-gemma from this computer?');
  await button(row('my-gemma'), 'Do not delete').click();
  await button(row('my-gemma'), 'Delete').click();
  await button(row('my-gemma'), 'Delete').click();
  await expect(row('my-gemma')).toHaveCount(0);
  await button(panel, 'Delete all').click();
  await button(panel.getByRole('group', { name: 'Delete all models' }), 'Delete').click();
  await expect(panel).toContainText('No model is stored yet.');
});

test('the browser’s answer to keeping the files is shown', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.storage.persist = () => Promise.resolve(false);
  });
  const panel = await openPanel(page, { models: [stored(M1)] });
  await button(panel, 'Keep these files').click();
  await expect(panel).toContainText('The browser did not agree.');
});

test('models that the browser removed are named at the next visit, once', async ({ page }) => {
  await page.addInitScript(
    (kept) => {
      if (!sessionStorage.getItem('visited')) localStorage.setItem('stored-models', kept);
      sessionStorage.setItem('visited', 'yes');
    },
    JSON.stringify([{ key: 'x', id: M1, size: 859_106_816 }]),
  );
  await open(page);
  await expect(page.getByText('The browser removed Gemma 3 1B (859 MB) to make room.')).toBeVisible();
  await button(page, 'Understood').click();
  await page.reload();
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
  await expect(page.getByText('The browser removed')).toBeHidden();
});

test('files are imported, and what is missing, wrong or unrelated is named', async ({ page }) => {
  const panel = await openPanel(page, {
    report: { missing: ['tokenizer.json'], wrong: ['onnx/model_q4.onnx_data'], unrelated: ['holiday.jpg'] },
  });
  await page.getByTestId('import-files').setInputFiles({
    name: 'config.json',
    mimeType: 'application/json',
    buffer: Buffer.from('{}'),
  });
  const report = panel.getByTestId('import-report');
  await expect(report).toContainText('is not complete yet');
  for (const name of ['tokenizer.json', 'onnx/model_q4.onnx_data', 'holiday.jpg'])
    await expect(report.getByRole('listitem').filter({ hasText: name })).toBeVisible();
});

test('files that are dropped on the panel are a model, not pictures', async ({ page }) => {
  const panel = await openPanel(page, { report: { missing: [], wrong: [], unrelated: [] } });
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['{}'], 'manifest.json', { type: 'application/json' }));
    for (const type of ['dragover', 'drop'])
      document
        .querySelector('dialog')
        ?.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await expect(panel.getByTestId('import-report')).toContainText('Gemma 3 1B is complete, and ready to use.');
  await expect(page.getByText('is not a picture')).toHaveCount(0);
});

test('a model is saved for a USB stick, file by file where no folder can be chosen', async ({ page }) => {
  await page.addInitScript(() => {
    Reflect.deleteProperty(window, 'showDirectoryPicker');
  });
  const panel = await openPanel(page, { models: [stored(M1)] });
  const names: string[] = [];
  page.on('download', (saved) => names.push(saved.suggestedFilename()));
  await button(panel, 'Copy to a USB stick').click();
  await expect(panel).toContainText('2 files were handed to the browser');
  expect(names).toEqual(['model_q4.onnx', 'manifest.json']);
});

test('a model is copied into a folder where one can be chosen', async ({ page }) => {
  await page.addInitScript(() => {
    Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() });
  });
  const panel = await openPanel(page, { models: [stored(M1)] });
  await button(panel, 'Copy to a USB stick').click();
  await expect(panel.getByRole('progressbar', { name: 'Gemma 3 1B' })).toBeVisible();
  await expect(panel).toContainText('Gemma 3 1B is copied.');
});

test('models of other places are looked up, or refused with a reason', async ({ page }) => {
  const panel = await openPanel(page);
  const text = panel.getByRole('textbox');
  await text.fill('https://elsewhere.example/model/');
  await text.press('Enter');
  await expect(panel.getByRole('alert')).toContainText('This site may not fetch from there.');
  await text.fill('nobody/nothing');
  await text.press('Enter');
  await expect(panel.getByRole('alert')).toContainText('There is no model under this name');
  await text.fill(`https://huggingface.co/${MINE}`);
  await text.press('Enter');
  await expect(cardOf(page, 'my-gemma')).toContainText('500 MB');
});

test('models of this site are offered, under their own licence', async ({ page, baseURL }) => {
  await page.route('**/models/catalogue.json', (route) =>
    route.fulfill({ json: { models: [{ url: 'models/school/', name: 'The school’s Gemma' }] } }),
  );
  const url = `${baseURL ?? ''}models/school/`;
  const school = plan('school', { licence: 'Apache-2.0', size: 3e8, source: { kind: 'mirror', url } });
  await openPanel(page, { plans: { [url]: school } });
  const card = cardOf(page, 'The school’s Gemma');
  await expect(card).toContainText('Licence: Apache-2.0');
  await button(card, 'Download').click();
  await expect(card.getByRole('progressbar')).toBeVisible();
});

test('this computer is tested with the built-in model', async ({ page }) => {
  const panel = await openPanel(page);
  await button(panel, 'Test this computer').click();
  await expect(panel).toContainText(/first token after 0.4 secs?, then 12.3 tokens a second/);
});

test('a large model is open in one tab, and moves to the other on request', async ({ page, context }) => {
  const script: StoreScript = { models: [stored(M1)] };
  const engine = { model: { id: M1 } };
  await openPanel(page, script, engine);
  await button(cardOf(page, 'Gemma 3 1B'), 'Use').click();
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
  const other = await context.newPage();
  await open(other, script, engine);
  await expect(other.getByText('A large model is open in another tab.')).toBeVisible();
  await expectAccessible(other);
  await button(other, 'Use it here').click();
  await expect(other.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
  await expect(page.getByText('Gemma 3 1B was opened in another tab.')).toBeVisible();
  await expect(page.getByTestId('model-state')).toContainText('Built-in model');
});

test('a model that is gone is replaced by the built-in one, and that is said', async ({ page }) => {
  await page.addInitScript(
    (choice) => {
      localStorage.setItem('model', choice);
    },
    JSON.stringify({ key: 'gone', id: M1 }),
  );
  await open(page);
  await expect(page.getByText('Gemma 3 1B is no longer on this computer.')).toBeVisible();
  await expect(page.getByTestId('model-state')).toContainText('Built-in model');
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
});

test('it fits a phone of 320 pixels', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await openPanel(page, { models: [stored(M270), stored(MINE, { complete: false, present: 1e8 })], until: 0.5 });
  await download(page);
  const overflow = await panelOf(page)
    .getByRole('region')
    .evaluate((content) => content.scrollWidth - content.clientWidth);
  expect(overflow).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});

test('with the real workers: a model folder is downloaded, used, and loaded at the next visit', async ({ page }) => {
  await page.goto('./');
  await button(page, 'Models').click();
  const panel = panelOf(page);
  await panel.getByRole('textbox').fill('./models/built-in/');
  await button(panel, 'Look').click();
  const card = cardOf(page, 'built-in');
  await button(card, 'Download').click();
  await button(card, 'Use').click();
  const state = page.getByTestId('model-state');
  await expect(state).toContainText('built-in');
  await expect(state).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
  await page.route('**/models/built-in/**', (route) => route.abort());
  await page.reload();
  await expect(state).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
  const answer = await new Chat(page).ask('What is 7 + 5?');
  await expect(answer).toContainText('12');
  await button(page, 'Models').click();
  await expect(cardOf(page, 'built-in')).toContainText('In use');
  await button(panel.getByRole('listitem').filter({ hasText: 'built-in' }), 'Delete').click();
  await expect(panel).toContainText('Delete built-in from this computer?');
});
