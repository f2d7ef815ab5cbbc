/** What could not be written is tried again, and known until it is written. */
import { expect, it } from 'vitest';
import type { Database } from './database.ts';
import { Autosave, type AutosaveSource } from './autosave.ts';
import type { ConversationRecord, MessageRecord } from './records.ts';

it('knows what is unwritten until it is written, by the next who waits for it', async () => {
  let full = true;
  const written: string[][] = [];
  const database = {
    put: (_: ConversationRecord, messages: MessageRecord[]) => {
      if (full) return Promise.reject(new DOMException('', 'QuotaExceededError'));
      written.push(messages.map(({ id }) => id));
      return Promise.resolve();
    },
  } as unknown as Database;
  const conversation: AutosaveSource = {
    toRecord: () => ({ id: 'c', leaf: 'm' }) as ConversationRecord,
    messageRecord: (id) => ({ id }) as MessageRecord,
    storedDraft: () => null,
  };
  const told: unknown[] = [];
  const autosave = new Autosave(
    () => Promise.resolve(database),
    conversation,
    (failure) => told.push(failure),
  );
  autosave.save('m');
  await autosave.settled();
  expect(autosave.hasUnsavedChanges).toBe(true);
  await autosave.settled();
  expect(autosave.hasUnsavedChanges).toBe(true);
  full = false;
  await autosave.settled();
  expect(autosave.hasUnsavedChanges).toBe(false);
  expect(written).toEqual([['m']]);
  expect(told.at(-1)).toBeNull();
});
