/** Mounts what replaces the app if the page is framed or has `?embed`. */
import { mount } from 'svelte';
import { ModelStore } from '../models/model.svelte.ts';
import Embed from './Embed.svelte';
import { Host } from './host.svelte.ts';
import OpenAppNotice from './OpenAppNotice.svelte';
import type { PageMode } from './page-mode.ts';

export function start(mode: Exclude<PageMode, 'app'>, target: HTMLElement): void {
  if (mode !== 'embed') {
    mount(OpenAppNotice, { target, props: { mode } });
    return;
  }
  const builtIn = new URL('models/built-in/', document.baseURI).href;
  const host = new Host(window.parent, () => new ModelStore(builtIn));
  mount(Embed, { target, props: { host } });
  host.listen();
}
