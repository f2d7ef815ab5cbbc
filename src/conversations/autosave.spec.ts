/** What could not be written is tried again, and known until it is written. */
import { expect, it } from 'vitest';
import type { Database } from './database.ts';
import { Keeper, type Kept } from './autosave.ts';
import type { ConversationRecord, MessageRecord } from './records.ts';

it('knows what is unwritten until it is written, by the next who waits for it', async () => {
  let full = true;
  const written: string[][] = [];
  const database = {
    keep: (_: ConversationRecord, messages: MessageRecord[]) => {
      if (full) return Promise.reject(new DOMException('', 'QuotaExceededError'));
      written.push(messages.map(({ id }) => id));
      return Promise.resolve();
    },
  } as unknown as Database;
  const conversation: Kept = {
    toRecord: () => ({ id: 'c', leaf: 'm' }) as ConversationRecord,
    messageRecord: (id) => ({ id }) as MessageRecord,
    keptDraft: () => null,
  };
  const told: unknown[] = [];
  const keeper = new Keeper(
    () => Promise.resolve(database),
    conversation,
    (failure) => told.push(failure),
  );
  keeper.change('m');
  await keeper.settled();
  expect(keeper.unwritten).toBe(true);
  await keeper.settled();
  expect(keeper.unwritten).toBe(true);
  full = false;
  await keeper.settled();
  expect(keeper.unwritten).toBe(false);
  expect(written).toEqual([['m']]);
  expect(told.at(-1)).toBeNull();
});
