/** Imports a file of conversations and reports the result in sentences. */
import { i18n } from '../i18n/i18n.svelte.ts';
import type { Conversations } from '../conversation-list/conversations.svelte.ts';
import { ImportError, LEFT_OUT } from '../conversations/export/format.ts';

export interface Imported {
  name: string;
  sentences: string[];
}

export async function importFile(file: File, conversations: Conversations): Promise<Imported> {
  const { t } = i18n;
  try {
    const [{ readFile }, { addImported }] = await Promise.all([
      import('../conversations/export/read-file.ts'),
      import('../conversations/export/add-imported.ts'),
    ]);
    const report = await addImported(await readFile(file), await conversations.database());
    const sentences = [t('data.taken', { count: report.conversations })];
    if (report.already > 0) sentences.push(t('data.already', { count: report.already }));
    const leftOut = LEFT_OUT.flatMap((what) => {
      const count = report.leftOut[what] ?? 0;
      return count > 0 ? [t(`data.left.${what}`, { count })] : [];
    });
    if (leftOut.length > 0) sentences.push(t('data.leftOut', { what: i18n.list(leftOut) }));
    return { name: file.name, sentences };
  } catch (cause) {
    if (cause instanceof ImportError) return { name: file.name, sentences: [t(`data.refused.${cause.code}`)] };
    console.error('The file could not be taken in:', cause);
    return { name: file.name, sentences: [t('data.notTaken')] };
  }
}
