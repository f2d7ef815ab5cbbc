/** What is shown in place of the app where the page is not in a window of its own, or asked for `?embed`. */
import { mount } from 'svelte';
import { ModelStore } from '../models/model.svelte.ts';
import Embed from './Embed.svelte';
import { Host } from './host.svelte.ts';
import Elsewhere from './Elsewhere.svelte';
import type { Place } from './place.ts';

export function start(place: Exclude<Place, 'app'>, target: HTMLElement): void {
  if (place !== 'embed') {
    mount(Elsewhere, { target, props: { place } });
    return;
  }
  const builtIn = new URL('models/built-in/', document.baseURI).href;
  const host = new Host(window.parent, () => new ModelStore(builtIn));
  mount(Embed, { target, props: { host } });
  host.listen();
}
