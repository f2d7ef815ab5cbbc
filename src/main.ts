import { mount } from 'svelte';
import App from './App.svelte';
import { pageModeOf } from './embed/page-mode.ts';
import { preferences } from './settings/preferences.svelte.ts';
import './ui/base.css';

preferences.start();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
const mode = pageModeOf(window.parent !== window, location.search);
const demo = new URLSearchParams(location.search).get('demo');
if (mode !== 'app') void import('./embed/start.ts').then(({ start }) => start(mode, target));
else if (demo === null) mount(App, { target });
else void import('./demo/DemoPage.svelte').then(({ default: Page }) => mount(Page, { target, props: { name: demo } }));
