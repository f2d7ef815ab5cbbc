/** @file The published schema's parts that follow from the code. After a change of these: `npx vitest run -u` with this file. */
import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { SAMPLING_NAMES, type SamplingParameter, samplingParameter } from '../../protocol/sampling.ts';
import { LANGUAGE_CODES } from '../i18n/languages.ts';
import { LESSON_COLOURS, LESSON_NEEDS, LIMITS } from './lesson.ts';

const PATH = 'public/lessons/lesson.schema.json';

interface Schema {
  properties: Record<string, { enum?: readonly string[]; items?: object; maxItems?: number; properties?: object }>;
}

function schemaOf({ min, max, exclusiveMin, integer, description }: SamplingParameter): object {
  // JSON Schema has no safe integers, and our reader takes no others.
  const maximum = max ?? (integer ? Number.MAX_SAFE_INTEGER : undefined);
  return {
    type: integer ? 'integer' : 'number',
    ...(exclusiveMin ? { exclusiveMinimum: min } : { minimum: min }),
    ...(maximum === undefined ? {} : { maximum }),
    description,
  };
}

it('names the languages, colours, needs and sampling parameters of the code', async () => {
  const schema = JSON.parse(readFileSync(PATH, 'utf8')) as Schema;
  const { properties } = schema;
  Object.assign(properties['language'] ?? {}, { enum: LANGUAGE_CODES });
  Object.assign(properties['colour'] ?? {}, { enum: LESSON_COLOURS });
  Object.assign(properties['needs'] ?? {}, { maxItems: LESSON_NEEDS.length, items: { enum: LESSON_NEEDS } });
  Object.assign(properties['maxNewTokens'] ?? {}, { maximum: LIMITS.maxNewTokens });
  Object.assign(properties['sampling'] ?? {}, {
    properties: Object.fromEntries(SAMPLING_NAMES.map((name) => [name, schemaOf(samplingParameter(name))])),
  });
  const json = await format(JSON.stringify(schema, null, 2), { ...(await resolveConfig(PATH)), parser: 'json' });
  await expect(json).toMatchFileSnapshot(`../../${PATH}`);
});
