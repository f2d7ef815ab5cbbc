/** @file Text from a model or a file never runs, fetches, or covers the page. */
import { expect, type Page, test } from '@playwright/test';
import { Chat } from './support/chat.ts';
import { XSS_PAYLOADS } from './support/xss-payloads.ts';
import { scriptWorker } from './support/scripted-worker.ts';

/** Listens for script that runs, requests to other origins, and errors. @returns a function that reports them */
async function watch(page: Page, base: string) {
  const foreign: string[] = [];
  page.context().on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== new URL(base).origin)
      foreign.push(request.url());
  });
  // An attempt that the policy stops counts, too: nothing may get that far.
  const reports: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') reports.push(message.text());
  });
  page.on('pageerror', (error) => reports.push(error.message));
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      console.error(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}`);
    }),
  );
  return async () => ({ ran: await page.evaluate(() => 'scriptRan' in window), foreign, reports });
}

test('nothing in an answer runs, and nothing is fetched', async ({ page, baseURL }) => {
  test.setTimeout(300_000);
  expect(XSS_PAYLOADS.length).toBeGreaterThan(60);
  const harm = await watch(page, baseURL ?? '');
  // Deltas have a few characters each, so that the stream pauses in the middle of everything.
  const answers = XSS_PAYLOADS.map((text) => ({ deltas: [...(text.match(/[\s\S]{1,9}/g) ?? []), '\n\nThe end.'] }));
  const all = { deltas: XSS_PAYLOADS.map((text) => `${text}\n\n`).concat('The end of all.'), pause: 1 };
  await scriptWorker(page, { answers: [...answers, all] });
  await page.goto('./');
  const chat = new Chat(page);
  for (const text of [...XSS_PAYLOADS, 'all']) {
    const answer = await chat.ask('Do your worst');
    await expect(answer, text).toContainText('The end');
    await expect(answer.locator('.answer'), text).toBeVisible();
    const found = await answer.locator('.answer').evaluate((element) => ({
      elements: [...element.querySelectorAll('*')]
        .map((e) => e.localName)
        .filter((name) =>
          /^(img|picture|source|script|style|iframe|object|embed|svg|use|form|input|select|textarea|video|audio|link|meta|base|body|template|details|marquee)$/.test(
            name,
          ),
        ),
      attributes: [...element.querySelectorAll('*')].flatMap((e) =>
        [...e.attributes]
          .filter(({ name }) => /^(on|style$|id$|name$|src|srcset|data$|action|formaction|popover|is$)/.test(name))
          .map(({ name, value }) => `${e.localName} ${name}=${value}`),
      ),
      links: [...element.querySelectorAll('[href]')]
        .map((e) => e.getAttribute('href') ?? '')
        .filter((href) => !/^(https?|mailto):/.test(href)),
    }));
    expect(found, text).toEqual({ elements: [], attributes: [], links: [] });
  }
  const answer = page.getByRole('article').last();
  // The text is shown as it was written instead.
  await expect(answer).toContainText('<iframe src="https://example.org/">');
  // When a picture that is requested last has arrived, everything that the answers could request has been requested.
  await page.evaluate(async () => {
    const last = new Image();
    last.src = 'icons/icon.svg?last';
    await last.decode();
  });
  expect(await harm()).toEqual({ ran: false, foreign: [], reports: [] });
});

test('nothing in a conversation that is imported runs, and nothing is fetched', async ({ page, baseURL }) => {
  const harm = await watch(page, baseURL ?? '');
  await scriptWorker(page, { answers: [{ deltas: ['Fine.'] }] });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto('./');
  const conversations = XSS_PAYLOADS.slice(0, 30).map((text, i) => ({
    id: `c${i}`,
    title: text.slice(0, 150),
    named: true,
    pinned: false,
    created: 1_760_000_000_000 + i,
    updated: 1_760_000_000_000 + i,
    setup: { system: text, sampling: {} },
    memory: { summary: text },
    leaf: 'a',
    messages: [
      {
        id: 'q',
        parent: null,
        created: 1,
        role: 'user',
        text,
        attachments: [{ id: 'f', kind: 'document', name: text.slice(0, 150), type: 'text/html', base64: 'PGI+', text }],
      },
      {
        id: 'a',
        parent: 'q',
        created: 2,
        role: 'assistant',
        text,
        model: text.slice(0, 150),
        finish: null,
        error: null,
      },
    ],
  }));
  const file = JSON.stringify({ format: 'fournil-conversations', version: 1, exported: 1, conversations });
  const side = page.getByRole('navigation');
  await side.getByRole('button', { name: 'Save, import, delete' }).click();
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('dialog').getByRole('button', { name: 'Choose files' }).click();
  const name = `${XSS_PAYLOADS[3] ?? ''}.json`.replaceAll('/', ' ');
  await (await choosing).setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(file) });
  await expect(page.getByRole('dialog')).toContainText('30 conversations were taken in.');
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await side.getByRole('searchbox').fill('window');
  await expect(side.locator('mark').first()).toBeVisible();
  await side.getByRole('searchbox').fill('');
  await expect(side.getByRole('listitem')).toHaveCount(30);
  for (const row of await side.getByRole('listitem').all()) {
    const title = row.getByRole('button').first();
    await title.click();
    await expect(title).toHaveAttribute('aria-current', 'true');
    await expect(page.getByRole('article')).toHaveCount(2);
  }
  expect(await harm()).toEqual({ ran: false, foreign: [], reports: [] });
});
