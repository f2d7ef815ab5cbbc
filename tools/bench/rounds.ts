/** @file The order in which the bench measures engines. */

export interface RoundBudget {
  /** At least so many rounds are run, whatever time they take. */
  least: number;
  /** At most so many rounds are run. */
  most: number;
  /** After `least` rounds, none is started that would end later than this, ms. */
  time: number;
}

/** Runs the engines in turn (A B A B), so that changes of the machine meanwhile affect all of them. */
export async function alternate<T>(
  engines: readonly T[],
  { least, most, time }: RoundBudget,
  measure: (engine: T, round: number) => Promise<void>,
  now: () => number = () => performance.now(),
): Promise<void> {
  const began = now();
  for (let round = 0; round < most; round++) {
    // The average of the rounds so far predicts when the next one would end.
    const spent = now() - began;
    if (round >= least && spent + spent / round > time) return;
    for (const engine of engines) await measure(engine, round);
  }
}
