/**
 * Whether the person has had time to see what they are to press, and nothing lies over it: a host can cover a frame, or
 * move it under the pointer at the last moment. Where the browser tells no more than that it is scrolled into view, that
 * has to do.
 */

/** It must have been seen for so long, ms. */
const LONG_ENOUGH_MS = 600;
/** The least delay that browsers take with `trackVisibility`. */
const DELAY = 100;

export class VisibilityGuard {
  longEnough = $state(false);
  /** Out of view in part, covered, or changed. */
  hidden = $state(false);

  /** For `{@attach}`: watches an element while it is there. */
  watch = (element: Element): (() => void) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        if (!last) return;
        // Chromium's own; elsewhere undefined.
        const { isVisible = true, intersectionRatio } = last as IntersectionObserverEntry & { isVisible?: boolean };
        clearTimeout(timer);
        this.longEnough = false;
        const seen = isVisible && intersectionRatio > 0.95;
        this.hidden = !seen;
        if (seen) timer = setTimeout(() => (this.longEnough = true), LONG_ENOUGH_MS);
      },
      { threshold: [0, 0.96], trackVisibility: true, delay: DELAY } as IntersectionObserverInit,
    );
    observer.observe(element);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  };
}
