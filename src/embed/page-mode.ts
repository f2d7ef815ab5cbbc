/** What the page does, depending on whether it is framed: it is the app only in a window of its own. */

export type PageMode =
  | 'app'
  /** Framed with `?embed`: the part that hosts can talk to. */
  | 'embed'
  /** Framed without `?embed`: only a link to the app, as protection against clickjacking. */
  | 'framed'
  /** `?embed` without a frame. */
  | 'alone';

export function pageModeOf(framed: boolean, search: string): PageMode {
  const embed = new URLSearchParams(search).has('embed');
  if (framed) return embed ? 'embed' : 'framed';
  return embed ? 'alone' : 'app';
}
