/** Whatever a model says: nothing of it runs, nothing is fetched, nothing covers the page. */
import { expect, test } from '@playwright/test';
import { Chat } from './support/chat.ts';
import { HOSTILE_MARKDOWN } from './support/hostile.ts';
import { scriptWorker } from './support/scripted-worker.ts';

test('nothing in an answer runs, and nothing is fetched', async ({ page, baseURL }) => {
  expect(HOSTILE_MARKDOWN.length).toBeGreaterThan(60);
  const foreign: string[] = [];
  page.context().on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== new URL(baseURL ?? '').origin)
      foreign.push(request.url());
  });
  // What the policy has to stop was tried: it is to have nothing to do.
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
  // A few characters at a time, so that the stream stops in the middle of everything.
  const answers = HOSTILE_MARKDOWN.map((text) => ({ deltas: [...(text.match(/[\s\S]{1,9}/g) ?? []), '\n\nThe end.'] }));
  const all = { deltas: HOSTILE_MARKDOWN.map((text) => `${text}\n\n`).concat('The end of all.'), pause: 1 };
  await scriptWorker(page, { answers: [...answers, all] });
  await page.goto('./');
  const chat = new Chat(page);
  for (const text of [...HOSTILE_MARKDOWN, 'all']) {
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
  // It is shown as it was written instead.
  await expect(answer).toContainText('<iframe src="https://example.org/">');
  await page.waitForTimeout(300);
  expect(await page.evaluate(() => 'harmed' in window)).toBe(false);
  expect(foreign).toEqual([]);
  expect(reports).toEqual([]);
});
