/** What a person may call a model. */
import { MirrorError } from './failure.ts';
import type { HubSource } from './hub.ts';

export const HUB = 'https://huggingface.co';

/** The public exports of Gemma 3, by the names that people use. */
const PUBLIC: Readonly<Record<string, string>> = {
  'gemma-3-270m': 'onnx-community/gemma-3-270m-it-ONNX',
  'gemma-3-1b': 'onnx-community/gemma-3-1b-it-ONNX-GQA',
  'gemma-3-4b': 'onnx-community/gemma-3-4b-it-ONNX',
};

const REPO = /^\w[\w.-]*\/\w[\w.-]*$/;

export type Source = { kind: 'hub'; hub: HubSource } | { kind: 'folder'; url: string };

/** @param model a hub id, a short name, a repository's page on the hub, or the URL of a model folder. */
export function readSource(model: string, hubUrl: string = HUB): Source {
  const hub = hubUrl.replace(/\/+$/, '');
  const repo = PUBLIC[model.toLowerCase()] ?? (model.startsWith(`${hub}/`) ? model.slice(hub.length + 1) : model);
  if (REPO.test(repo)) return { kind: 'hub', hub: { hub, repo } };
  if (/^https?:\/\//.test(model)) return { kind: 'folder', url: model };
  throw new MirrorError(
    `${model} is no model: name one of the hub (owner/name), ${Object.keys(PUBLIC).join(', ')}, or a URL.`,
  );
}

/** A name to show, as the app has it for the public ones. */
export function nameOf(id: string): string {
  const short = Object.keys(PUBLIC).find((key) => PUBLIC[key] === id);
  if (!short) return id.slice(id.lastIndexOf('/') + 1);
  return `Gemma 3 ${short.slice('gemma-3-'.length).toUpperCase()}`;
}
