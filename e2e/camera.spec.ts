/** @file A picture from the camera, for which Chromium has a fake device. */
import { expect, test } from '@playwright/test';
import { chromiumArgs, findChromium } from '../tools/browser/chromium.ts';
import { expectAccessible } from './support/axe.ts';
import { Chat } from './support/chat.ts';
import { scriptWorker } from './support/scripted-worker.ts';

const executablePath = findChromium();
test.use({
  permissions: ['camera'],
  launchOptions: {
    args: [...chromiumArgs, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    ...(executablePath ? { executablePath } : {}),
  },
});

test('a picture is taken, and the camera is off again', async ({ page }) => {
  await scriptWorker(page, { answers: [{ deltas: ['Fine.'] }] });
  await page.goto('./');
  const chat = new Chat(page);
  await page.getByRole('button', { name: 'Take a picture' }).click();
  const dialog = page.getByRole('dialog', { name: 'Take a picture' });
  const take = dialog.getByRole('button', { name: 'Take the picture' });
  await expect(take).toBeEnabled();
  await expectAccessible(page);
  const stream = await dialog
    .locator('video')
    .evaluateHandle((video: HTMLVideoElement) => video.srcObject as MediaStream);
  const states = () => stream.evaluate((it) => it.getTracks().map(({ readyState }) => readyState));
  expect(await states()).toEqual(['live']);
  await take.click();
  await expect(dialog).toBeHidden();
  const picture = page.getByRole('list', { name: 'Attached files' }).getByRole('img', { name: 'Picture 1.jpg' });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(300);
  expect(await states()).toEqual(['ended']);
  await expect(chat.send).toBeEnabled();
});
