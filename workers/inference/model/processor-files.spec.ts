import { expect, it } from 'vitest';
import { openTokenizer } from './tokenizer-cache.ts';
import type { ModelFolder } from './model-folder.ts';
import { readProcessorFiles } from './processor-files.ts';

const TOKENIZER = { model: { type: 'BPE', vocab: { a: 0 }, merges: [] }, added_tokens: [] };

/** A model folder in memory. */
function folderOf(files: Record<string, string>): ModelFolder {
  const all: Record<string, string> = { 'tokenizer.json': JSON.stringify(TOKENIZER), ...files };
  const text = (path: string) => Promise.resolve(all[path]);
  const manifest = { files: [{ path: 'tokenizer.json', size: 1, sha256: 'a'.repeat(64) }] };
  const json = async (path: string): Promise<unknown> => {
    const content = await text(path);
    return content === undefined ? undefined : JSON.parse(content);
  };
  return { manifest, text, json, derivedFiles: null } as unknown as ModelFolder;
}

it.each([
  ['chat_template.jinja alone', { 'chat_template.jinja': 'jinja' }, 'jinja'],
  ['chat_template.json alone', { 'chat_template.json': '{"chat_template":"old"}' }, 'old'],
  ['both', { 'chat_template.jinja': 'jinja', 'chat_template.json': '{"chat_template":"old"}' }, 'jinja'],
  ['neither', {}, undefined],
  ['a chat_template.json that is something else', { 'chat_template.json': '["old"]' }, undefined],
  ['a template that is no text', { 'chat_template.json': '{"chat_template":[]}' }, undefined],
])('takes the chat template from %s', async (_, files, template) => {
  const read = await readProcessorFiles(folderOf(files as Record<string, string>));
  expect(read.chatTemplate).toBe(template);
});

it('reads the configurations beside the tokenizer', async () => {
  const folder = folderOf({
    'tokenizer_config.json': '{"a":1}',
    'generation_config.json': '{"b":2}',
    'preprocessor_config.json': '{"c":3}',
  });
  expect(await readProcessorFiles(folder)).toEqual({
    tokenizerConfig: { a: 1 },
    chatTemplate: undefined,
    generationConfig: { b: 2 },
    preprocessorConfig: { c: 3 },
    tokenizer: await openTokenizer(folder),
  });
});
