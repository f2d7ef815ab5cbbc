/**
 * The generation settings of a conversation: the sampling parameters and the longest answer. One that a conversation leaves
 * out takes the model's default, and is reset by leaving it out again.
 */
import type { LoadedModel } from '../../../protocol/engine.ts';
import {
  isInRange,
  MAX_NEW_TOKENS_RANGE,
  type NumberRange,
  SAMPLING_NAMES,
  type SamplingName,
  samplingParameter,
} from '../../../protocol/sampling.ts';
import type { ConversationSettings } from '../../conversations/records.ts';

export type Setting = SamplingName | 'maxNewTokens';

/** In the order in which they are shown. */
export const SETTINGS: readonly Setting[] = [...SAMPLING_NAMES, 'maxNewTokens'];

export const rangeOf = (setting: Setting): NumberRange =>
  setting === 'maxNewTokens' ? MAX_NEW_TOKENS_RANGE : samplingParameter(setting);

/** The value that the conversation sets; undefined: it takes the model's default. */
export const ownValue = (settings: ConversationSettings, setting: Setting): number | undefined =>
  setting === 'maxNewTokens' ? settings.maxNewTokens : settings.sampling[setting];

/** The model's default; undefined where there is none, or while no model is loaded. */
export const modelDefault = (model: LoadedModel | null, setting: Setting): number | undefined =>
  setting === 'maxNewTokens' ? undefined : model?.sampling[setting];

/** The same settings with one setting changed, or (undefined) reset to the model's default. */
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

/** Resets all generation settings; the model and the system prompt stay. */
export const resetSettings = (settings: ConversationSettings): ConversationSettings =>
  withSetting({ ...settings, sampling: {} }, 'maxNewTokens', undefined);

/** The settings that the conversation sets. */
export const changedSettings = (settings: ConversationSettings): Setting[] =>
  SETTINGS.filter((setting) => ownValue(settings, setting) !== undefined);

/**
 * Parses a number as people type it, with a decimal point or comma and an optional sign.
 * @returns `value` is undefined where the field is empty, which means the model's default; null where the text is not a
 *   number in range.
 */
export function readSetting(setting: Setting, typed: string): { value: number | undefined } | null {
  const text = typed.replace(/\s/gu, '').replace(',', '.').replace('\u2212', '-');
  if (text === '') return { value: undefined };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  return isInRange(rangeOf(setting), value) ? { value } : null;
}
