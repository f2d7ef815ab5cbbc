import { type Component, flushSync, mount, unmount } from 'svelte';
import { expect, it, onTestFinished, vi } from 'vitest';
import LazyDialog from './LazyDialog.svelte';

/** The component as `mount` needs it, which infers no generic props. */
interface Loaded {
  default: Component<Record<string, unknown>, { open: () => void }, string>;
}
const importDialog = () => import('./testing/CountingDialog.svelte') as unknown as Promise<Loaded>;

function show(load: () => Promise<Loaded>) {
  const target = document.body.appendChild(document.createElement('div'));
  const onopen = vi.fn();
  const onmissing = vi.fn();
  const props = $state({ title: 'Panel', onopen });
  const lazy = mount(LazyDialog, { target, props: { load, props, onmissing } });
  onTestFinished(() => unmount(lazy).then(() => target.remove()));
  const dialog = () => target.querySelector('dialog');
  const close = async () => {
    dialog()?.close();
    // The event comes later.
    await vi.waitFor(() => expect(dialog()?.open ?? false).toBe(false));
  };
  return { lazy, props, dialog, close, onopen, onmissing };
}

it('is fetched when it is first opened, and opens once each time', async () => {
  const load = vi.fn(importDialog);
  const { lazy, props, dialog, close, onopen } = show(load);
  flushSync();
  expect(load).not.toHaveBeenCalled();

  lazy.open();
  await vi.waitFor(() => expect(dialog()?.open).toBe(true));
  expect(dialog()?.querySelector('p')?.textContent).toBe('1');
  // Neither its own state nor its props open it again.
  props.title = 'Another panel';
  flushSync();
  expect(dialog()?.querySelector('h2')?.textContent).toBe('Another panel');
  expect(onopen).toHaveBeenCalledTimes(1);

  await close();
  lazy.open();
  flushSync();
  expect(dialog()?.open).toBe(true);
  expect(dialog()?.querySelector('p')?.textContent).toBe('2');
  expect(onopen).toHaveBeenCalledTimes(2);
  expect(load).toHaveBeenCalledTimes(1);
});

it('says that it could not be fetched, and tries again at the next opening', async () => {
  const load = vi.fn(importDialog);
  load.mockRejectedValueOnce(new TypeError('offline'));
  const { lazy, dialog, onopen, onmissing } = show(load);
  lazy.open();
  await vi.waitFor(() => expect(dialog()?.open).toBe(true));
  expect(dialog()?.textContent).toContain('could not be fetched');
  expect(onopen).not.toHaveBeenCalled();

  dialog()?.close();
  await vi.waitFor(() => expect(onmissing).toHaveBeenCalledTimes(1));
  flushSync();
  expect(dialog()).toBe(null);
  lazy.open();
  await vi.waitFor(() => expect(onopen).toHaveBeenCalledTimes(1));
  expect(dialog()?.querySelector('h2')?.textContent).toBe('Panel');
});
