/** The values of one round, ordered by the first occurrence of each measure. */
import type { BenchSamples } from '../../protocol/bench.ts';

export class Samples {
  private readonly measures = new Map<string, BenchSamples>();

  add(measure: string, unit: string, value: number): void {
    const known = this.measures.get(measure);
    if (known) known.values.push(value);
    else this.measures.set(measure, { measure, unit, values: [value] });
  }

  all(): BenchSamples[] {
    return [...this.measures.values()];
  }
}
