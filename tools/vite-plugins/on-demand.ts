/**
 * @file `import folder from 'on-demand:NAME'` gives specs the folder of a package that is installed when it is first
 * needed (tools/on-demand), so that only runs of the specs that use it download it.
 */
import type { Plugin } from 'vite';
import { onDemand, type OnDemandPackage } from '../on-demand/on-demand.ts';

const PREFIX = 'on-demand:';

export const onDemandFolders: Plugin = {
  name: 'on-demand-folders',
  resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : null),
  load: (id) =>
    id.startsWith(`\0${PREFIX}`)
      ? `export default ${JSON.stringify(onDemand(id.slice(PREFIX.length + 1) as OnDemandPackage))}`
      : null,
};
