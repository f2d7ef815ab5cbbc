/**
 * Protects against clickjacking: buttons are enabled once they have been visible and uncovered for a while, since a
 * host can cover the frame or move it under the pointer. Only Chromium tells whether an element is covered; other
 * browsers only tell whether it is scrolled into view.
 */

/** Minimum time of visibility, ms. */
const LONG_ENOUGH_MS = 600;
/** The minimum delay that browsers accept with `trackVisibility`, ms. */
const DELAY = 100;

export class VisibilityGuard {
  longEnough = $state(false);
  /** The element is partly out of view or covered. */
  hidden = $state(false);

  /** For `{@attach}`: watches an element while it is mounted. */
  watch = (element: Element): (() => void) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        if (!last) return;
        // Only Chromium has `isVisible`.
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
