/** Files of older versions become files of the present one, step by step. */
import { Fields } from './fields.ts';
import { ImportError, VERSION } from './format.ts';

export type Upgrade = (file: Record<string, unknown>) => Record<string, unknown>;

/** `UPGRADES[n - 1]` makes a file of version n + 1 out of one of version n. There is one version so far. */
const UPGRADES: readonly Upgrade[] = [];

/** @throws ImportError newer, damaged */
export function upgrade(file: object, current = VERSION, steps = UPGRADES): Fields {
  const { version } = file as { version?: unknown };
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw new ImportError('damaged', 'no version');
  if ((version as number) > current) throw new ImportError('newer', `version ${String(version)}`);
  let upgraded = file as Record<string, unknown>;
  for (const step of steps.slice((version as number) - 1, current - 1)) upgraded = step(upgraded);
  return Fields.of(upgraded, 'file');
}
