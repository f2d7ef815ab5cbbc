import { mount } from 'svelte';
import OpenAppNotice from '../embed/OpenAppNotice.svelte';
import { preferences } from '../settings/preferences.svelte.ts';
import '../ui/base.css';
import Bench from './Bench.svelte';
import { benchPage } from './bench-page.ts';

preferences.start();
window.engineBench = benchPage;

const target = document.getElementById('app');
if (!target) throw new Error('bench.html has no #app');
if (window.parent === window) mount(Bench, { target });
// Framed, the page shows only a link, as protection against clickjacking.
else mount(OpenAppNotice, { target, props: { mode: 'framed' } });
