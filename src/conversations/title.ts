/** The default title of a conversation. */

const LONGEST = 60;

/** Makes a title from a message: its first line, or the name of its first file. */
export function titleFrom(question: { text: string; attachments: readonly { name: string }[] } | undefined): string {
  const line = question?.text.split('\n').find((each) => each.trim() !== '') ?? question?.attachments[0]?.name ?? '';
  const title = line.trim().replace(/\s+/gu, ' ');
  if (title.length <= LONGEST) return title;
  // A long line is cut at a word's end if there is one in its second half.
  const cut = title.slice(0, LONGEST + 1);
  const end = cut.lastIndexOf(' ');
  return `${title.slice(0, end > LONGEST / 2 ? end : LONGEST).trimEnd()}…`;
}
