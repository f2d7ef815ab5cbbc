/**
 * The settings of how answers are made: which there are, what was typed, and what the model itself would take. What a
 * conversation leaves out is the model's own; the way back is to leave it out again.
 */
import type { LoadedModel, Sampling } from '../../../protocol/engine.ts';
import { LENGTH_LIMITS, type Limits, SAMPLING_LIMITS, withinLimits } from '../../../protocol/sampling.ts';
import type { ConversationSettings } from '../../conversations/records.ts';

export type Setting = keyof Sampling | 'maxNewTokens';

/** In the order in which they are shown. */
export const SETTINGS = [
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'repetition_penalty',
  'seed',
  'maxNewTokens',
] as const satisfies readonly Setting[];

export const limitsOf = (setting: Setting): Limits =>
  setting === 'maxNewTokens' ? LENGTH_LIMITS : SAMPLING_LIMITS[setting];

/** What the conversation asks for; undefined: as the model says. */
export const askedFor = (settings: ConversationSettings, setting: Setting): number | undefined =>
  setting === 'maxNewTokens' ? settings.maxNewTokens : settings.sampling[setting];

/** What the model itself takes; undefined where it says nothing, or while it is not known. */
export const modelsOwn = (model: LoadedModel | null, setting: Setting): number | undefined =>
  setting === 'maxNewTokens' ? undefined : model?.sampling[setting];

/** The same settings with one setting changed, or (undefined) left to the model. */
export function withSetting(
  settings: ConversationSettings,
  setting: Setting,
  value: number | undefined,
): ConversationSettings {
  const { maxNewTokens, sampling, ...rest } = settings;
  const length = setting === 'maxNewTokens' ? value : maxNewTokens;
  const changed = setting === 'maxNewTokens' ? sampling : { ...sampling, [setting]: value };
  const kept = Object.entries(changed).filter(([, each]) => each !== undefined);
  return { ...rest, sampling: Object.fromEntries(kept), ...(length === undefined ? {} : { maxNewTokens: length }) };
}

/** All settings left to the model; the model and what it is told first stay. */
export const asTheModelSays = (settings: ConversationSettings): ConversationSettings =>
  withSetting({ ...settings, sampling: {} }, 'maxNewTokens', undefined);

/** The settings that are not left to the model. */
export const changedSettings = (settings: ConversationSettings): Setting[] =>
  SETTINGS.filter((setting) => askedFor(settings, setting) !== undefined);

/**
 * What was typed, as people write numbers: with a point or a comma, with a sign.
 * Nothing typed is undefined: the model's own. Null: it cannot be taken.
 */
export function readSetting(setting: Setting, typed: string): { value: number | undefined } | null {
  const text = typed.replace(/\s/gu, '').replace(',', '.').replace('\u2212', '-');
  if (text === '') return { value: undefined };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  return withinLimits(limitsOf(setting), value) ? { value } : null;
}
