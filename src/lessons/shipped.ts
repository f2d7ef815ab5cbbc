/** The lessons that come with the page, from its own folder: the host is trusted as with its scripts, and still checked. */
import type { Preset } from './lesson.ts';
import { readPresetFile } from './read-lesson.ts';

/** A lesson that comes with the page, in the page's language. */
export interface ShippedLesson {
  id: string;
  classroom: boolean;
  preset: Preset;
}

/** @throws PresetError */
export async function shippedPreset(id: string, language: string, base: string): Promise<Preset> {
  const response = await fetch(new URL(`lessons/${id}.${language}.json`, base));
  if (!response.ok) throw new Error(`${response.status}`);
  return readPresetFile(await response.blob());
}

export async function shippedLessons(language: string, base: string): Promise<ShippedLesson[]> {
  const response = await fetch(new URL('lessons/index.json', base));
  const { presets } = (await response.json()) as { presets: Omit<ShippedLesson, 'preset'>[] };
  return Promise.all(
    presets.map(async ({ id, classroom }) => ({ id, classroom, preset: await shippedPreset(id, language, base) })),
  );
}
