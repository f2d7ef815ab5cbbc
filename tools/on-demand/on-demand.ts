/**
 * @file Packages that only benches, generators and some tests use. They are large, so `npm ci` leaves them out, and
 * each is installed at its pinned version (package.json beside this file) into `.cache/on-demand` when it is first
 * needed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pins from './package.json' with { type: 'json' };

export type OnDemandPackage = keyof typeof pins.dependencies;

const CACHE = fileURLToPath(new URL('../../.cache/on-demand/', import.meta.url));

const readJson = (path: string): Record<string, unknown> | null => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
};

/**
 * Installs the package if it is not there yet, and says so on stderr.
 * @returns the package's folder
 * @throws Error with a sentence where npm cannot download it
 */
export function onDemand(name: OnDemandPackage): string {
  const version = pins.dependencies[name];
  const folder = join(CACHE, 'node_modules', name);
  const installed = () => readJson(join(folder, 'package.json'))?.['version'] === version;
  if (installed()) return folder;
  process.stderr.write(`Downloading ${name} ${version} into .cache/on-demand …\n`);
  mkdirSync(CACHE, { recursive: true });
  const file = join(CACHE, 'package.json');
  // Packages that were installed before stay: npm removes what package.json does not name.
  const dependencies = { ...(readJson(file)?.['dependencies'] as object | undefined), [name]: version };
  writeFileSync(file, JSON.stringify({ private: true, dependencies, overrides: pins.overrides }, null, 2));
  const { status, stderr, error } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: CACHE,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0 && installed()) return folder;
  throw new Error(
    `${name} ${version} is needed here, is not in .cache/on-demand, and could not be downloaded. ` +
      `Run the command again with a network. npm says:\n${error?.message ?? stderr}`,
  );
}
