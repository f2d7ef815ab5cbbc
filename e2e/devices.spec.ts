/** @file The page on browsers and devices that offer less, or that compute wrongly. */
import { chromium, expect, type Page, test } from '@playwright/test';
import { cpuArgs, requireChromium } from '../tools/browser/chromium.ts';
import { Chat, showNumbers } from './support/chat.ts';
import { drawPicture, RED } from './support/draw.ts';

/** Runs `use` in a browser of its own, started with `args`. */
async function inBrowser(
  args: string[],
  baseURL: string | undefined,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const browser = await chromium.launch({ executablePath: requireChromium(), args });
  try {
    const page = await browser.newPage({ locale: 'en-GB', ...(baseURL ? { baseURL } : {}) });
    await use(page);
  } finally {
    await browser.close();
  }
}

test('without WebGPU the CPU answers, and the page says that it is slower', async ({ baseURL }) => {
  await inBrowser(cpuArgs, baseURL, async (page) => {
    await showNumbers(page);
    await page.goto('./');
    await expect(page.getByTestId('model-state')).toContainText('slower: no GPU', { timeout: 60_000 });
    const chat = new Chat(page);
    await expect(await chat.ask('Hello!')).toContainText(/\w/);
    const second = (await chat.ask('Thank you!')).getByTestId('numbers');
    expect(Number(await second.getAttribute('data-reused-tokens'))).toBeGreaterThan(10);
  });
});

test('an export with a cache that grows, as others make them, gives the same answers', async ({ page }) => {
  const questions = ['Hello!', 'Thank you!'];
  await showNumbers(page);
  const answers = async (): Promise<string[]> => {
    await page.goto('./');
    const chat = new Chat(page);
    const texts: string[] = [];
    for (const question of questions) texts.push(await (await chat.ask(question)).locator('.answer').innerText());
    const last = chat.answers.last().getByTestId('numbers');
    expect(Number(await last.getAttribute('data-reused-tokens'))).toBeGreaterThan(10);
    return texts;
  };
  const ours = await answers();
  await page.route('**/models/built-in/manifest.json', async (route) => {
    const response = await route.fetch();
    const manifest = (await response.json()) as object;
    await route.fulfill({ response, json: { ...manifest, cache: 'dynamic' } });
  });
  expect(await answers()).toEqual(ours);
});

test('without JavaScript Promise Integration the other WebGPU build answers', async ({ page }) => {
  await page.route('**/worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `delete WebAssembly.Suspending;\n${await response.text()}` });
  });
  const builds: (string | undefined)[] = [];
  page.context().on('request', (request) => {
    if (request.url().endsWith('.wasm')) builds.push(/asyncify|jspi/.exec(request.url())?.[0]);
  });
  await page.goto('./');
  await expect(page.getByTestId('model-state')).toContainText('Ready', { timeout: 90_000 });
  await expect(await new Chat(page).ask('Hello!')).toContainText(/\w/);
  // Only pictures need this build, so it is fetched after the first answer.
  await expect.poll(() => builds).toEqual(['asyncify']);
});

/** Changes the weights of a self-test, so that the adapter's results differ from the known answer. */
async function corruptSelfTest(page: Page, graph: string): Promise<void> {
  await page.route(`**/${graph}_q4-*.onnx_data`, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    for (let i = 0; i < body.length; i += 2) body[i] = (body[i] ?? 0) ^ 0x08;
    await route.fulfill({ response, body });
  });
}

test('a GPU that gives a wrong answer is not used, and the page says so', async ({ page }) => {
  await corruptSelfTest(page, 'model');
  await page.goto('./');
  await expect(page.getByTestId('model-state')).toContainText('gave wrong answers', { timeout: 60_000 });
  await expect(await new Chat(page).ask('Hello!')).toContainText(/\w/);
});

test('a GPU that is wrong about pictures is given up with the first one, and nothing is lost', async ({ page }) => {
  await corruptSelfTest(page, 'vision_encoder');
  await page.goto('./');
  const chat = new Chat(page);
  await expect(await chat.ask('Hello!')).toContainText('Hello');
  await chat.attach('circle.png', drawPicture([{ kind: 'circle', colour: RED, x: 0.5, y: 0.5, r: 0.3 }]));
  const failed = await chat.ask('What colour is it?');
  await failed.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('model-state')).toContainText('gave wrong answers', { timeout: 60_000 });
  await expect(chat.answers.last()).toContainText('red', { timeout: 60_000 });
  // The failure is remembered.
  await page.reload();
  await expect(page.getByTestId('model-state')).toContainText('gave wrong answers', { timeout: 60_000 });
});

test('on a slow line words are answered before the code that only pictures need is there', async ({ page }) => {
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  await page.route('**/ort-wasm*.wasm', async (route) => {
    await arrived;
    await route.continue();
  });
  await page.goto('./');
  const chat = new Chat(page);
  await expect(await chat.ask('Hello!')).toContainText('Hello');
  await chat.attach('circle.png', drawPicture([{ kind: 'circle', colour: RED, x: 0.5, y: 0.5, r: 0.3 }]));
  await chat.message.fill('What colour is it?');
  await chat.send.click();
  await chat.stop.click();
  await expect(chat.send).toBeVisible();
  arrive();
  await expect(await chat.ask('What colour is it?')).toContainText('red');
});
