/** What goes wrong on the way, on demand. */
import type { HubRequest } from './exchange.ts';

/** The path of a file in its repository; what its path has to match; or anything said of a request. */
export type Matcher = string | RegExp | ((request: HubRequest) => boolean);

export interface Fault {
  /** Answers with this status and no file. Strikes redirects and listings, too; all others strike files' bytes only. */
  status?: number;
  /** With `status`: seconds. */
  retryAfter?: number;
  /** Answers 200 with a web page, as the sign-in pages of networks do. */
  html?: boolean;
  /** The file is served as if it were only this long. */
  truncate?: number;
  /** This byte of the file is wrong; strikes only answers that hold it. */
  flip?: number;
  /** The connection breaks after so many bytes of the body; strikes only answers that are longer. */
  cutAfter?: number;
  /** Bytes per second, of each answer. */
  throttle?: number;
}

export interface SetFault {
  /** How often it has struck. */
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
  private readonly set = new Set<{ matcher: Matcher; fault: Fault; left: number; struck: number }>();

  add(matcher: Matcher, fault: Fault, times: number): SetFault {
    const entry = { matcher, fault, left: times, struck: 0 };
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

  /** All faults of this request for which `applies` holds, as one. */
  strike(request: HubRequest, applies: (fault: Fault) => boolean): Fault {
    const struck: Fault = {};
    for (const entry of this.set) {
      if (!matches(entry.matcher, request) || !applies(entry.fault)) continue;
      Object.assign(struck, entry.fault);
      entry.struck++;
      if (--entry.left <= 0) this.set.delete(entry);
    }
    return struck;
  }
}
