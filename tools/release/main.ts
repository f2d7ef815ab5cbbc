/**
 * @file `npm run release [-- vVERSION]`: builds the site and packs it for those who host it, into `release/`: a zip file
 * with the site, pre-compressed files, server configurations and guides; its SHA-256 checksum; and the notes. Files carry the
 * time of the commit, so that equal builds give equal zip files.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { zipSync, type Zippable } from 'fflate';
import packageJson from '../../package.json' with { type: 'json' };
import { releaseNotes } from './notes.ts';
import { precompress } from './precompress.ts';

const OUT = 'release';
/** Compressed already, or incompressible. */
const STORED = /\.(br|gz|png|onnx_data\w*)$/;

/** Reads a folder with everything below it. @returns path relative to the folder, with `/` → content */
function readFolder(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const relative = (path: string) => path.slice(folder.length + 1).replaceAll(sep, '/');
  return new Map(paths.sort().map((path) => [relative(path), readFileSync(path)]));
}

const { version } = packageJson;
const [tag] = process.argv.slice(2);
if (tag !== undefined && tag !== `v${version}`) {
  console.error(`The tag is ${tag}, but package.json says ${version}.`);
  process.exit(1);
}
const notes = releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), version);

execFileSync('npm', ['run', 'build'], { stdio: 'inherit' });
const site = readFolder('dist');
const contents: [prefix: string, files: Map<string, Uint8Array>][] = [
  ['site/', site],
  ['site/', precompress(site)],
  ['deploy/', readFolder('deploy')],
  ['docs/users/', readFolder(join('docs', 'users'))],
  ['docs/teachers/', readFolder(join('docs', 'teachers'))],
  ['', new Map(['LICENSE', 'NOTICE', 'CHANGELOG.md'].map((name) => [name, readFileSync(name)]))],
];

const mtime = execFileSync('git', ['log', '-1', '--format=%cI'], { encoding: 'utf8' }).trim();
const name = `fournil-${version}`;
const zippable: Zippable = {};
for (const [prefix, files] of contents)
  for (const [path, content] of files)
    zippable[`${name}/${prefix}${path}`] = [content, { level: STORED.test(path) ? 0 : 9, mtime }];

const zip = zipSync(zippable);
const checksum = createHash('sha256').update(zip).digest('hex');
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
writeFileSync(join(OUT, `${name}.zip`), zip);
writeFileSync(join(OUT, 'SHA256SUMS'), `${checksum}  ${name}.zip\n`);
writeFileSync(join(OUT, 'notes.md'), notes);
console.log(`${join(OUT, `${name}.zip`)}: ${Object.keys(zippable).length} files, ${zip.length} bytes`);
