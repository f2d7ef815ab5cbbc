/** What a conversation is called before someone names it. */

const LONGEST = 60;

/** From its first message: the first line of it, or the name of its first file. */
export function titleFrom(question: { text: string; attachments: readonly { name: string }[] } | undefined): string {
  const line = question?.text.split('\n').find((each) => each.trim() !== '') ?? question?.attachments[0]?.name ?? '';
  const title = line.trim().replace(/\s+/gu, ' ');
  if (title.length <= LONGEST) return title;
  // At a word's end, if one is near.
  const cut = title.slice(0, LONGEST + 1);
  const end = cut.lastIndexOf(' ');
  return `${title.slice(0, end > LONGEST / 2 ? end : LONGEST).trimEnd()}…`;
}
