/** Full-text search that ignores case and accents. */

export interface Match {
  /** Id of the message. */
  message: string;
  /** The text around the match, on one line. */
  before: string;
  found: string;
  after: string;
}

const AROUND = 40;

/** Folds case and accents. The result has the same length, so that positions stay valid. */
function folded(text: string): string {
  let out = '';
  for (const char of text) {
    const plain = char.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    out += plain.length === char.length ? plain : char.length === 1 ? (plain[0] ?? char) : char;
  }
  return out;
}

const wordsOf = (text: string): string[] =>
  folded(text.normalize('NFC'))
    .split(/\s+/u)
    .filter((word) => word !== '');

/** Whether a text contains all words of a query. */
export function holds(text: string, wanted: string): boolean {
  const within = folded(text.normalize('NFC'));
  return wordsOf(wanted).every((word) => within.includes(word));
}

/** The first match of a query of which the text contains all words; null if it does not. */
export function matchIn(text: string, wanted: string): Omit<Match, 'message'> | null {
  const whole = text.normalize('NFC');
  const within = folded(whole);
  const words = wordsOf(wanted);
  const [first] = words;
  if (first === undefined || !words.every((word) => within.includes(word))) return null;
  // The whole phrase is a better match than its first word.
  const phrase = folded(wanted.normalize('NFC').trim());
  const [at, length] = within.includes(phrase)
    ? [within.indexOf(phrase), phrase.length]
    : [within.indexOf(first), first.length];
  const line = (piece: string) => piece.replace(/\s+/gu, ' ');
  const from = Math.max(0, at - AROUND);
  const to = Math.min(whole.length, at + length + AROUND);
  return {
    before: (from > 0 ? '…' : '') + line(whole.slice(from, at)).trimStart(),
    found: line(whole.slice(at, at + length)),
    after: line(whole.slice(at + length, to)).trimEnd() + (to < whole.length ? '…' : ''),
  };
}
