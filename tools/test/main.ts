/**
 * npm test [-- PART…]
 *
 * Runs every check and test, or only the parts that are named, in this order. It stops at the first part that fails,
 * and prints how long each part took. A part is a script of package.json and can be run alone: `npm run test:unit`.
 */
import { spawnSync } from 'node:child_process';

const PARTS = ['browser', 'check', 'build', 'test:unit', 'test:parity', 'test:lighthouse', 'test:e2e'];

const named = process.argv.slice(2);
const unknown = named.filter((part) => !PARTS.includes(part));
const seconds: Record<string, number> = {};
let failed = unknown.length > 0 ? `There is no part ${unknown.join(', ')}: the parts are ${PARTS.join(', ')}.` : '';

for (const part of PARTS.filter((each) => named.length === 0 || named.includes(each))) {
  if (failed) break;
  const began = performance.now();
  const { status } = spawnSync('npm', ['run', part], { stdio: 'inherit', shell: process.platform === 'win32' });
  seconds[part] = Math.round((performance.now() - began) / 1000);
  if (status !== 0) failed = `npm run ${part} failed.`;
}

const rows = [
  ...Object.entries(seconds),
  ['all', Object.values(seconds).reduce((sum, each) => sum + each, 0)] as const,
];
console.log(`\n${rows.map(([part, time]) => `${part.padEnd(16)}${String(time).padStart(5)} s`).join('\n')}`);
if (failed) {
  console.error(failed);
  process.exitCode = 1;
}
