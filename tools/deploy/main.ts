/**
 * @file `npm run deploy:headers`: writes the security headers of `tools/serve/headers.ts` into `deploy/`. With
 * FOURNIL_MODEL_ORIGINS set as for the build, the content security policy allows these origins, too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { securityHeaders } from '../serve/headers.ts';
import { CONFIGURATIONS, withHeaders } from './headers.ts';

for (const [file, line] of Object.entries(CONFIGURATIONS)) {
  const path = join('deploy', file);
  writeFileSync(path, withHeaders(readFileSync(path, 'utf8'), line, securityHeaders));
  console.log(`${path}: ${Object.keys(securityHeaders).length} security headers`);
}
