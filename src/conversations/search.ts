/** Finding words in what was said, whatever their case and accents. */

export interface Match {
  /** The message it is in. */
  message: string;
  /** What stands around it, on one line. */
  before: string;
  found: string;
  after: string;
}

const AROUND = 40;

/** Letters as they are compared, one for each that was there, so that places stay the same. */
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

/** Whether a text holds all words of another. */
export function holds(text: string, wanted: string): boolean {
  const within = folded(text.normalize('NFC'));
  return wordsOf(wanted).every((word) => within.includes(word));
}

/** Where a text holds all of the words: around the first of them. Null where it does not. */
export function matchIn(text: string, wanted: string): Omit<Match, 'message'> | null {
  const whole = text.normalize('NFC');
  const within = folded(whole);
  const words = wordsOf(wanted);
  const [first] = words;
  if (first === undefined || !words.every((word) => within.includes(word))) return null;
  // The words as they were typed together are nearer to what is looked for than the first of them.
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
