/**
 * Reads untrusted objects field by field: a value is taken only from an own property, with the expected type and size.
 * Objects are never copied as a whole, so keys like `__proto__` have no effect.
 */

/** A part of the file is invalid. The part is left out, or the whole file is refused. */
export class Damaged extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'Damaged';
  }
}

/** The last millisecond of the year 9999. */
const LAST_TIME = 253_402_300_799_999;

export class Fields {
  private constructor(
    private readonly values: object,
    private readonly what: string,
  ) {}

  static of(value: unknown, what: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Damaged(`${what} is no object`);
    return new Fields(value, what);
  }

  get(name: string): unknown {
    return Object.hasOwn(this.values, name) ? (this.values as Record<string, unknown>)[name] : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined && this.get(name) !== null;
  }

  fields(name: string): Fields {
    return Fields.of(this.get(name), `${this.what}.${name}`);
  }

  string(name: string, longest: number): string {
    const value = this.get(name);
    if (typeof value !== 'string' || value.length > longest) return this.fail(name, 'no text, or too long');
    return value;
  }

  number(name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name);
    if (typeof value !== 'number' || !(value >= least && value <= most)) return this.fail(name, 'no number in range');
    return value;
  }

  /** Milliseconds since 1970. */
  time(name: string): number {
    return Math.round(this.number(name, 0, LAST_TIME));
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    return typeof value === 'boolean' ? value : this.fail(name, 'neither true nor false');
  }

  list(name: string, longest: number): unknown[] {
    const value = this.get(name);
    return Array.isArray(value) && value.length <= longest ? value : this.fail(name, 'no list, or too long');
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    return choices.find((choice) => choice === this.get(name)) ?? this.fail(name, 'not one of those known');
  }

  /** The value, or null where it is null. */
  nullable<T>(name: string, read: () => T): T | null {
    return this.get(name) === null ? null : read();
  }

  fail(name: string, why: string): never {
    throw new Damaged(`${this.what}.${name}: ${why}`);
  }
}

/** Reads a time leniently: `otherwise` if the value is not a valid time. @param scale ms per unit */
export const timeOr = (value: unknown, otherwise: number, scale = 1): number =>
  typeof value === 'number' && value > 0 && value * scale <= LAST_TIME ? Math.round(value * scale) : otherwise;

export const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
