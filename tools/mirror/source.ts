/** @file The names that a person may give for a model. */
import { HUB_MODELS, HUB_ORIGIN, type HubModel } from '../../protocol/hub-models.ts';
import { MirrorError } from './failure.ts';
import type { HubSource } from './plan-hub.ts';

const REPO = /^\w[\w.-]*\/\w[\w.-]*$/;

export type Source = { kind: 'hub'; hub: HubSource } | { kind: 'folder'; url: string };

/** @param model a hub id, a short name, a repository's page on the hub, or the URL of a model folder. */
export function readSource(model: string, hubUrl: string = HUB_ORIGIN): Source {
  const hub = hubUrl.replace(/\/+$/, '');
  const known = (HUB_MODELS as Readonly<Record<string, HubModel>>)[model.toLowerCase()];
  const repo = known?.repo ?? (model.startsWith(`${hub}/`) ? model.slice(hub.length + 1) : model);
  if (REPO.test(repo)) return { kind: 'hub', hub: { hub, repo } };
  if (/^https?:\/\//.test(model)) return { kind: 'folder', url: model };
  throw new MirrorError(
    `${model} is no model: name one of the hub (owner/name), ${Object.keys(HUB_MODELS).join(', ')}, or a URL.`,
  );
}
