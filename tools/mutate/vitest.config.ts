/** The project's own Vitest configuration without the browser project, which every mutant would start anew. */
import { defineConfig } from 'vitest/config';
import config from '../../vite.config.ts';

const projects = config.test?.projects?.filter(
  (project) => typeof project === 'object' && 'test' in project && project.test?.name === 'node',
);

export default defineConfig({ ...config, test: { ...config.test, projects: projects ?? [] } });
