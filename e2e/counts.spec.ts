/**
 * @file The cost of a token, counted and not timed: on the built-in model and the software GPU, neither the engine's
 * WebGPU calls nor the tokens that a conversation's second turn prefills grow unnoticed. A change that lowers a count
 * lowers its bound.
 */
import { expect, test } from '@playwright/test';
import type { BenchJob } from '../protocol/bench.ts';

const BUILT_IN: BenchJob = {
  entry: null,
  model: { base: '/models/', name: 'built-in', device: 'webgpu', dtype: 'q4' },
};

test('a token asks no more of the GPU than it did', async ({ page }) => {
  await page.goto('bench.html');
  await page.waitForFunction(() => 'engineBench' in window);
  const { perToken, recomputedTokens } = await page.evaluate((job) => window.engineBench.counts(job), BUILT_IN);
  // Each of 6 layers takes 9 dispatches; token embedding and logits take one each, and choosing the token takes 2.
  expect(perToken.dispatches).toBeLessThanOrEqual(58);
  // The step params and the sampler's settings are written.
  expect(perToken.bufferWrites).toBeLessThanOrEqual(2);
  // The step and the sampler are submitted.
  expect(perToken.submits).toBeLessThanOrEqual(2);
  // Only the chosen id is read back.
  expect(perToken.bytesRead).toBe(4);
  expect(perToken.buffersCreated).toBe(0);
  // If nothing were counted, every bound would hold.
  expect(perToken.dispatches).toBeGreaterThan(50);
  // The cache holds the first turn and its answer.
  expect(recomputedTokens).toBe(0);
});
