/** Upgrades files of older versions step by step. */
import { Fields } from './fields.ts';
import { ImportError, VERSION } from './format.ts';

export type Upgrade = (file: Record<string, unknown>) => Record<string, unknown>;

/** `UPGRADES[n - 1]` turns a file of version n into one of version n + 1. There is only version 1 so far. */
const UPGRADES: readonly Upgrade[] = [];

/** @throws ImportError `newer`, `damaged` */
export function upgrade(file: object, current = VERSION, steps = UPGRADES): Fields {
  const { version } = file as { version?: unknown };
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw new ImportError('damaged', 'no version');
  if ((version as number) > current) throw new ImportError('newer', `version ${String(version)}`);
  let upgraded = file as Record<string, unknown>;
  for (const step of steps.slice((version as number) - 1, current - 1)) upgraded = step(upgraded);
  return Fields.of(upgraded, 'file');
}
