/** Who is measured when. */

export interface RoundBudget {
  /** Rounds are begun while there are fewer than `most`, and, past `least`, while time is left. */
  least: number;
  most: number;
  /** ms */
  time: number;
}

/** Runs every engine once in each round, so that what changes on the machine meanwhile changes for all: A B A B. */
export async function alternate<T>(
  engines: readonly T[],
  { least, most, time }: RoundBudget,
  measure: (engine: T, round: number) => Promise<void>,
  now: () => number = () => performance.now(),
): Promise<void> {
  const began = now();
  for (let round = 0; round < most; round++) {
    // A round that would end too late, going by those before, is not begun.
    const spent = now() - began;
    if (round >= least && spent + spent / round > time) return;
    for (const engine of engines) await measure(engine, round);
  }
}
