/**
 * What a token costs, counted and not timed: on the built-in model and the software GPU, what the engine asks of WebGPU
 * and what a conversation's second turn reads may not grow unnoticed. A bound that a change lowers is lowered with it.
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
  // 9 for each of 6 layers, token embedding and logits; 2 that choose the token.
  expect(perToken.dispatches).toBeLessThanOrEqual(58);
  // Where the step is; the sampler's settings.
  expect(perToken.bufferWrites).toBeLessThanOrEqual(2);
  // The step and the sampler.
  expect(perToken.submits).toBeLessThanOrEqual(2);
  // The chosen id.
  expect(perToken.bytesRead).toBe(4);
  expect(perToken.buffersCreated).toBe(0);
  // Nothing counted would be within every bound.
  expect(perToken.dispatches).toBeGreaterThan(50);
  // The first turn and its answer are in the cache.
  expect(recomputedTokens).toBe(0);
});
