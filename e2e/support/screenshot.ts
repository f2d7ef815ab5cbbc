/**
 * For pictures of the page that are compared: the same letters on every computer (the page itself takes the system's),
 * and nothing that moves.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, type Page } from '@playwright/test';

const font = readFileSync(
  fileURLToPath(import.meta.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')),
).toString('base64');

const STYLE = `
  @font-face { font-family: Look; src: url(data:font/woff2;base64,${font}); font-weight: 100 900; }
  :root { --font: Look; }
  code, pre { font-family: Look !important; }
  * { caret-color: transparent !important; }
`;

/** Compares what is seen with `docs/screens/NAME.png`: browsers of other versions smooth letters a little differently. The page's policy must be bypassed (`bypassCSP`). */
export async function expectScreenshot(page: Page, name: string): Promise<void> {
  // Nothing is pointed at.
  await page.mouse.move(0, 0);
  await page.addStyleTag({ content: STYLE });
  await page.evaluate(() => document.fonts.load('1rem Look'));
  await expect(page).toHaveScreenshot(`${name}.png`, { animations: 'disabled', maxDiffPixelRatio: 0.02 });
}
