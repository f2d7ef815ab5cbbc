/**
 * @file Finds a Chromium: the person's own (`FOURNIL_CHROMIUM`), Playwright's, or the system's; and the flags with
 * which it offers WebGPU without a screen or a GPU.
 */
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

/** @returns a path, or null where there is no browser. */
export function findChromium(): string | null {
  const own = process.env['FOURNIL_CHROMIUM'];
  if (own) {
    if (!existsSync(own)) throw new Error(`FOURNIL_CHROMIUM names ${own}, which does not exist`);
    return own;
  }
  return [chromium.executablePath(), ...SYSTEM].find((path) => existsSync(path)) ?? null;
}

/** @returns the path of a Chromium. @throws Error that says what to do where there is none */
export function requireChromium(): string {
  const path = findChromium();
  if (!path) throw new Error('No Chromium was found: run `npm run browser`, or set FOURNIL_CHROMIUM to one.');
  return path;
}

export const chromiumArgs = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** The flags without WebGPU, since tiny models are faster on the CPU than on a software GPU. */
export const cpuArgs = chromiumArgs.filter((arg) => arg !== '--enable-unsafe-webgpu');
