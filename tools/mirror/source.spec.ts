import { expect, it } from 'vitest';
import { HUB_ORIGIN, modelNameOf } from '../../protocol/hub-models.ts';
import { readSource } from './source.ts';

const hub = (repo: string, url = HUB_ORIGIN) => ({ kind: 'hub', hub: { hub: url, repo } });

it('knows models by the names that people use', () => {
  const id = 'onnx-community/gemma-3-1b-it-ONNX-GQA';
  for (const name of [id, 'gemma-3-1b', 'Gemma-3-1B', `${HUB_ORIGIN}/${id}`]) expect(readSource(name)).toEqual(hub(id));
  expect(readSource('a/b', 'https://hub.example/')).toEqual(hub('a/b', 'https://hub.example'));
  expect(modelNameOf(id)).toBe('Gemma 3 1B');
  expect(modelNameOf('someone/their-model')).toBe('their-model');
});

it('takes any other URL for a model folder', () => {
  const url = 'https://school.example/models/gemma-3-1b/';
  expect(readSource(url)).toEqual({ kind: 'folder', url });
});

it.each(['gemma', '', '../built-in', '../models/built-in', 'file:///models/x'])('%j is no model', (model) => {
  expect(() => readSource(model)).toThrow(/is no model/);
});
