import { mount } from 'svelte';
import App from './App.svelte';
import { settings } from './settings/settings.svelte.ts';
import './ui/base.css';

settings.start();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
mount(App, { target });
