/** @file Faults of answers, which tests ask for. */
import type { HubRequest } from './request.ts';

/** Which requests: those for a file's path in its repository, for a path that matches, or that a function accepts. */
export type Matcher = string | RegExp | ((request: HubRequest) => boolean);

export interface Fault {
  /**
   * Answers with this status and no file. It strikes redirects and listings, too; other faults strike files' bytes
   * only.
   */
  status?: number;
  /** `Retry-After` beside `status`, in seconds. */
  retryAfter?: number;
  /** Answers 200 with a web page, as the sign-in pages of networks do. */
  html?: boolean;
  /** The file is served as if it were only this long. */
  truncate?: number;
  /** This byte of the file is wrong; the fault strikes only answers that hold it. */
  flip?: number;
  /** The connection breaks after so many bytes of the body; the fault strikes only answers that are longer. */
  cutAfter?: number;
  /** Bytes per second of each answer. */
  throttle?: number;
}

export interface SetFault {
  /** How often the fault has struck. */
  readonly struck: number;
  lift(): void;
}

export const matches = (matcher: Matcher, request: HubRequest): boolean =>
  typeof matcher === 'string'
    ? request.path === matcher
    : matcher instanceof RegExp
      ? matcher.test(request.path)
      : matcher(request);

export class Faults {
  private readonly set = new Set<{ matcher: Matcher; faults: readonly Fault[]; left: number; struck: number }>();

  /**
   * @param faults take turns: each strikes once, and the last one goes on until the fault is lifted or struck `times`
   * @param times how often the faults strike together
   */
  add(matcher: Matcher, faults: readonly Fault[], times: number): SetFault {
    const entry = { matcher, faults, left: times, struck: 0 };
    this.set.add(entry);
    return {
      get struck() {
        return entry.struck;
      },
      lift: () => this.set.delete(entry),
    };
  }

  clear(): void {
    this.set.clear();
  }

  /** @returns all faults of this request for which `applies` holds, as one. */
  strike(request: HubRequest, applies: (fault: Fault) => boolean): Fault {
    const struck: Fault = {};
    for (const entry of this.set) {
      const { matcher, faults } = entry;
      const fault = faults[Math.min(entry.struck, faults.length - 1)];
      if (!fault || !matches(matcher, request) || !applies(fault)) continue;
      Object.assign(struck, fault);
      entry.struck++;
      if (--entry.left <= 0) this.set.delete(entry);
    }
    return struck;
  }
}
