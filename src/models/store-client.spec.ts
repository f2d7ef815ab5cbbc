import { describe, expect, it } from 'vitest';
import { type FromStore, type ModelPlan, StoreError, type StoreProgress, type ToStore } from '../../protocol/store.ts';
import { StoreClient } from './store-client.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';

class StoreWorker extends ScriptedWorker<ToStore, FromStore> {}
const open = () => {
  const workers: StoreWorker[] = [];
  const client = new StoreClient(() => {
    workers.push(new StoreWorker());
    return workers.at(-1) as StoreWorker;
  });
  return { workers, client };
};
const source = { kind: 'hub', repo: 'a/b' } as const;

describe('StoreClient', () => {
  it('starts its worker with the first call, and gives what it answers', async () => {
    const { workers, client } = open();
    expect(workers).toEqual([]);
    const plan = client.call('plan', { source });
    expect(workers[0]?.heard).toEqual([{ id: 1, call: { type: 'plan', source } }]);
    workers[0]?.reply({ result: { key: 'k' } as ModelPlan });
    expect((await plan).key).toBe('k');
  });

  it('passes on progress, and the wish to stop', async () => {
    const { workers, client } = open();
    const seen: number[] = [];
    const controller = new AbortController();
    const done = client.call('fetch', { source }, { onProgress: (p) => seen.push(p.done), signal: controller.signal });
    workers[0]?.reply({ progress: { done: 5 } as StoreProgress });
    controller.abort();
    expect(workers[0]?.heard.at(-1)).toEqual({ id: 1, abort: true });
    workers[0]?.reply({ error: { code: 'aborted', detail: '' } });
    await expect(done).rejects.toBeInstanceOf(StoreError);
    expect(seen).toEqual([5]);
  });

  it('tells everybody when the worker breaks, and starts another for the next call', async () => {
    const { workers, client } = open();
    const both = [client.call('list', {}), client.call('remove', { key: null })];
    workers[0]?.crash('boom');
    for (const call of both) await expect(call).rejects.toMatchObject({ code: 'internal', detail: 'boom' });
    const list = client.call('list', {});
    workers[1]?.reply({ result: [] });
    expect(await list).toEqual([]);
  });
});
