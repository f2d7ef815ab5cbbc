/**
 * @file WebAssembly from AssemblyScript: `import { plain, shared } from './kernels/index.ts?assembly'` gives the module
 * in base64, for the memory of one thread and for memory that threads share. The build compiles it, so that the
 * repository holds no binary that has to be trusted; as a few kilobytes in the script, the module needs no request of
 * its own.
 */
import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import asc from 'assemblyscript/asc';
import type { Plugin } from 'vite';

const QUERY = '?assembly';
const OUT = 'out.wasm';

const OPTIONS = [
  ...['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ...['--importMemory', '--enable', 'simd', '--enable', 'threads'],
  // The warning concerns exported functions with vectors; these are called by our own files only.
  ...['--disableWarning', '112'],
];
/** Shared memory needs a maximum; 65,536 pages are all that 32-bit addresses can reach. */
const SHARED = ['--sharedMemory', '--maximumMemory', '65536'];

/**
 * @param sources takes the paths of the files that were read
 * @throws Error with the compiler's words
 */
export async function compileAssembly(
  entry: string,
  { shared = false, sources = new Set<string>() } = {},
): Promise<Uint8Array> {
  const base = dirname(entry);
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [relative(base, entry), '--baseDir', base, '--outFile', OUT, ...OPTIONS, ...(shared ? SHARED : [])],
    {
      readFile: async (name, folder) => {
        const path = `${folder}/${name}`;
        const text = await readFile(path, 'utf8').catch(() => null);
        if (text !== null) sources.add(path);
        return text;
      },
      writeFile: (_name, contents) => {
        if (typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`${entry} does not compile: ${stderr.toString() || String(error)}`);
  return binary;
}

/** Modules by entry, so that each is compiled once for all bundles of a build. */
const compiled = new Map<string, Promise<{ text: string; sources: Set<string> }>>();

async function asModule(entry: string): Promise<{ text: string; sources: Set<string> }> {
  const sources = new Set<string>();
  const constant = async (name: string, shared: boolean) => {
    const binary = await compileAssembly(entry, { shared, sources });
    return `export const ${name} = ${JSON.stringify(Buffer.from(binary).toString('base64'))};\n`;
  };
  return { text: (await constant('plain', false)) + (await constant('shared', true)), sources };
}

export const assembly: Plugin = {
  name: 'assembly',
  enforce: 'pre',
  async load(id) {
    if (!id.endsWith(QUERY)) return null;
    const entry = id.slice(0, -QUERY.length);
    const compiling = compiled.get(entry) ?? asModule(entry);
    compiled.set(entry, compiling);
    const { text, sources } = await compiling;
    for (const path of sources) this.addWatchFile(path);
    return text;
  },
  watchChange(path) {
    if (path.endsWith('.ts')) compiled.clear();
  },
};
