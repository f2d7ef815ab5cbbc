/** @file bench.html as a person opens it; counts.spec.ts checks what it measures. */
import { expect, test } from '@playwright/test';
import { expectAccessible } from './support/axe.ts';

for (const { locale, title, start } of [
  { locale: 'en-GB', title: 'How fast is it here?', start: 'Measure' },
  { locale: 'fr-FR', title: /^À quelle vitesse ici\s\?$/, start: 'Mesurer' },
])
  test.describe(() => {
    test.use({ locale, viewport: { width: 320, height: 640 } });

    test(`the bench in ${locale}`, async ({ page }) => {
      await page.goto('bench.html');
      await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
      await expect(page.getByRole('button', { name: start })).toBeEnabled();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      await expectAccessible(page);
    });
  });
