import { expect, it } from 'vitest';
import { HUB_MODELS, HUB_ORIGIN, modelNameOf } from './hub-models.ts';

it('names known repositories, and others by the last part of their ids', () => {
  expect(modelNameOf('onnx-community/gemma-3-270m-it-ONNX')).toBe('Gemma 3 270M');
  expect(modelNameOf('onnx-community/gemma-3-1b-it-ONNX-GQA')).toBe('Gemma 3 1B');
  expect(modelNameOf('onnx-community/gemma-3-4b-it-ONNX')).toBe('Gemma 3 4B');
  expect(modelNameOf('me/my-gemma')).toBe('my-gemma');
  expect(modelNameOf('built-in')).toBe('built-in');
});

it('has addresses that the hub can have', () => {
  expect(new URL(HUB_ORIGIN).origin).toBe('https://huggingface.co');
  expect(Object.keys(HUB_MODELS)).toEqual(['gemma-3-270m', 'gemma-3-1b', 'gemma-3-4b']);
});
