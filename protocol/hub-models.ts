/** @file The Hugging Face hub, and the public exports of Gemma 3 on it that the app and the tools know by name. */

/** Origin of the hub's API and files. Downloads are redirected from here to its file servers. */
export const HUB_ORIGIN = 'https://huggingface.co';

/** A repository of the hub that has a name of its own in the app. */
export interface HubModel {
  /** Name for people. */
  name: string;
  /** `owner/name` on the hub. */
  repo: string;
}

/** Google's Gemma 3 as onnx-community exports it, by the names that people type. */
export const HUB_MODELS = {
  'gemma-3-270m': { name: 'Gemma 3 270M', repo: 'onnx-community/gemma-3-270m-it-ONNX' },
  'gemma-3-1b': { name: 'Gemma 3 1B', repo: 'onnx-community/gemma-3-1b-it-ONNX-GQA' },
  'gemma-3-4b': { name: 'Gemma 3 4B', repo: 'onnx-community/gemma-3-4b-it-ONNX' },
} as const satisfies Record<string, HubModel>;

/**
 * Names a model for people.
 * @param id the id in the model's manifest: for a model of the hub, its repository.
 * @returns the name of a known repository, else the last segment of the id.
 */
export const modelNameOf = (id: string): string =>
  Object.values<HubModel>(HUB_MODELS).find(({ repo }) => repo === id)?.name ?? id.slice(id.lastIndexOf('/') + 1);
