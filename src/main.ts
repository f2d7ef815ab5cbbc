import { mount } from 'svelte';
import App from './App.svelte';
import { settings } from './settings/settings.svelte.ts';
import './ui/base.css';

settings.start();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
const demo = new URLSearchParams(location.search).get('demo');
if (demo === null) mount(App, { target });
else void import('./demo/DemoPage.svelte').then(({ default: Page }) => mount(Page, { target, props: { name: demo } }));
