/** @file `catalogue.json` beside the model folders of a site: the models that its app offers. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MirrorError } from './failure.ts';

interface Entry {
  /** The model folder's URL, relative to the site's root. */
  url: string;
  name: string;
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Entry>).url === 'string';

/** Adds a model folder to the catalogue beside it, where there is one. @returns whether the list was changed */
export async function addToCatalogue(folder: string, name: string): Promise<boolean> {
  const path = join(dirname(resolve(folder)), 'catalogue.json');
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw cause;
  });
  if (text === null) return false;
  const catalogue = parse(text);
  if (!catalogue)
    throw new MirrorError(`The model is whole, but ${path} is not a list of models: it was left as it is.`);
  const url = `models/${encodeURIComponent(basename(resolve(folder)))}/`;
  if (catalogue.models.some((entry) => isEntry(entry) && entry.url === url)) return false;
  const next = { ...catalogue, models: [...catalogue.models, { url, name }] };
  // The list is never half written, since a page may be reading it.
  await writeFile(`${path}.part`, `${JSON.stringify(next, null, 2)}\n`);
  await rename(`${path}.part`, path);
  return true;
}

function parse(text: string): { models: unknown[] } | null {
  try {
    const value = JSON.parse(text) as { models?: unknown } | null;
    return value && Array.isArray(value.models) ? { ...value, models: value.models as unknown[] } : null;
  } catch {
    return null;
  }
}
