/** Reads conversations one by one. A damaged one is left out and counted; the others are imported. */
import { Damaged, Fields } from './fields.ts';
import {
  addLeftOut,
  countLeftOut,
  type ImportedConversations,
  type ImportSource,
  type LeftOut,
  emptyImport,
} from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';
import type { WholeConversation } from '../records.ts';

/** @throws Damaged */
export async function readEach(
  source: ImportSource,
  values: readonly unknown[],
  read: (conversation: Fields, leftOut: LeftOut) => Promise<WholeConversation>,
): Promise<ImportedConversations> {
  if (values.length > IMPORT_LIMITS.conversations) throw new Damaged('too many conversations');
  const found = emptyImport(source);
  for (const value of values) {
    const leftOut: LeftOut = {};
    try {
      found.conversations.push(await read(Fields.of(value, 'conversation'), leftOut));
      addLeftOut(found.leftOut, leftOut);
    } catch (cause) {
      if (!(cause instanceof Damaged)) throw cause;
      countLeftOut(found.leftOut, 'conversation');
      found.damage ||= cause.message;
    }
  }
  return found;
}
