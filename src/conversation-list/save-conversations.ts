/** Downloads conversations as files. The code that writes them is loaded when it is first needed. */
import { i18n } from '../i18n/i18n.svelte.ts';
import type { Conversations } from './conversations.svelte.ts';
import type { WholeConversation } from '../conversations/records.ts';

/** The browser has read the Blob of a download long before that. */
const KEPT_MS = 10 * 60_000;

function download(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** @param ids of the conversations; deleted and empty ones are left out @returns whether there was anything to save */
export async function saveConversations(
  conversations: Conversations,
  ids: readonly string[],
  as: 'json' | 'markdown',
): Promise<boolean> {
  const [first, ...others] = ids;
  const title = others.length === 0 ? conversations.list.find(({ id }) => id === first)?.title : undefined;
  let count = 0;
  // One after the other, since all of them with their pictures may not fit into memory.
  async function* wholes(): AsyncGenerator<WholeConversation> {
    for (const id of ids) {
      const whole = await conversations.whole(id);
      // Drafts are not exported.
      if (!whole || whole.messages.length === 0) continue;
      count += 1;
      yield whole;
    }
  }
  try {
    const { safeName } = await import('../conversations/export/names.ts');
    const day = new Date().toISOString().slice(0, 10);
    const name = safeName(title ?? '') || `Fournil ${day}`;
    if (as === 'json') {
      const { toJson } = await import('../conversations/export/write-json.ts');
      const file = await toJson(wholes());
      if (count > 0) download(`${name}.json`, file);
    } else {
      const { toMarkdownFile } = await import('../conversations/export/write-markdown.ts');
      const words = {
        you: i18n.t('chat.you'),
        answer: i18n.t('chat.answer'),
        untitled: i18n.t('conversations.untitled'),
        date: (ms: number) => i18n.date(ms),
      };
      const file = await toMarkdownFile(wholes(), words, name);
      if (count > 0) download(file.name, file.blob);
    }
    return count > 0;
  } catch (cause) {
    console.error('The conversations could not be saved:', cause);
    return false;
  }
}
