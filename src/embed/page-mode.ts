/** Where the page is seen, which decides what it does: only in a window of its own is it the app. */

export type PageMode =
  | 'app'
  /** In a frame that asked for the part which hosts may talk to. */
  | 'embed'
  /** In a frame that did not: whoever put it there could cover it, and have the person press what they do not see. */
  | 'framed'
  /** The part for frames, in a window of its own. */
  | 'alone';

export function pageModeOf(framed: boolean, search: string): PageMode {
  const embed = new URLSearchParams(search).has('embed');
  if (framed) return embed ? 'embed' : 'framed';
  return embed ? 'alone' : 'app';
}
