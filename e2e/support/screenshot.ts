/**
 * @file Screenshots that are compared: with the same font on every device, where the page takes the system's, and no
 * motion.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, type Page } from '@playwright/test';

const font = readFileSync(
  fileURLToPath(import.meta.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')),
).toString('base64');

const STYLE = `
  @font-face { font-family: Screenshot; src: url(data:font/woff2;base64,${font}); font-weight: 100 900; }
  :root { --font: Screenshot; }
  code, pre { font-family: Screenshot !important; }
  * { caret-color: transparent !important; }
`;

/**
 * Compares the page with `docs/screens/NAME.png`, with a tolerance, since versions of browsers smooth fonts
 * differently. The page's content-security policy must be bypassed (`bypassCSP`).
 */
export async function expectScreenshot(page: Page, name: string): Promise<void> {
  // The pointer hovers over nothing.
  await page.mouse.move(0, 0);
  await page.addStyleTag({ content: STYLE });
  await page.evaluate(() => document.fonts.load('1rem Screenshot'));
  await expect(page).toHaveScreenshot(`${name}.png`, { animations: 'disabled', maxDiffPixelRatio: 0.02 });
}
