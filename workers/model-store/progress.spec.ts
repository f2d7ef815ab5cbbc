import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { StoreProgress } from '../../protocol/store.ts';
import { Progress } from './progress.ts';

let reports: StoreProgress[];
let progress: Progress;
const start = { key: 'k', id: 'a/b', phase: 'fetching', total: 100 } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  reports = [];
  progress = new Progress(start, (report) => reports.push(report));
});
afterEach(() => vi.useRealTimers());

it('reports at once, then at most every 150 ms', () => {
  progress.addReceived(5, 10);
  expect(reports).toEqual([{ ...start, done: 10, received: 5 }]);
  vi.advanceTimersByTime(149);
  progress.addReceived(3, 20);
  expect(reports).toHaveLength(1);
  vi.advanceTimersByTime(1);
  progress.update(30);
  expect(reports.slice(1)).toEqual([{ ...start, done: 30, received: 8 }]);
  progress.update(40);
  expect(reports).toHaveLength(2);
});

it('tells at once why nothing comes, and until bytes do', () => {
  progress.update(10);
  const waiting = { reason: 'network', until: null } as const;
  progress.setWaiting(waiting);
  expect(reports.at(-1)).toEqual({ ...start, done: 10, received: 0, waiting });
  progress.report();
  expect(reports.at(-1)).toHaveProperty('waiting');
  progress.addReceived(1, 11);
  progress.report();
  expect(reports.at(-1)).toEqual({ ...start, done: 11, received: 1 });
});

it('tells a new phase at once, without what the old one waited for', () => {
  progress.setWaiting({ reason: 'other-tab', until: null });
  progress.setPhase('checking');
  expect(reports.at(-1)).toEqual({ ...start, phase: 'checking', done: 0, received: 0 });
});

it('gives each report as a copy', () => {
  progress.report();
  progress.update(50);
  progress.report();
  expect(reports.map(({ done }) => done)).toEqual([0, 50]);
});
