import { mount } from 'svelte';
import App from './App.svelte';
import { placeOf } from './embed/place.ts';
import { settings } from './settings/settings.svelte.ts';
import './ui/base.css';

settings.start();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
const place = placeOf(window.parent !== window, location.search);
const demo = new URLSearchParams(location.search).get('demo');
if (place !== 'app') void import('./embed/start.ts').then(({ start }) => start(place, target));
else if (demo === null) mount(App, { target });
else void import('./demo/DemoPage.svelte').then(({ default: Page }) => mount(Page, { target, props: { name: demo } }));
