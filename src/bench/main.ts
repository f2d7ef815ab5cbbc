import { mount } from 'svelte';
import { settings } from '../settings/settings.svelte.ts';
import '../ui/base.css';
import Bench from './Bench.svelte';
import { benchPage } from './bench-page.ts';

settings.start();
window.engineBench = benchPage;

const target = document.getElementById('app');
if (!target) throw new Error('bench.html has no #app');
mount(Bench, { target });
