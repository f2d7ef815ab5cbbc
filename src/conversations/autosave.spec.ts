/** Changes are written once and in order, at a limited rate, and those of a failed write are written again. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Autosave, type AutosaveSource } from './autosave.ts';
import type { Database } from './database.ts';
import type { ConversationRecord, MessageRecord, StoredDraft } from './records.ts';

/** Records writes in order, and lets the next ones fail. */
class FakeDatabase {
  readonly written: unknown[] = [];
  /** The next writes fail while this is set. */
  failure: Error | null = null;
  /** Called in the middle of a write. */
  onWrite: () => Promise<void> | void = () => undefined;

  put(_: ConversationRecord, messages: readonly MessageRecord[], deleted: readonly string[], draft?: unknown) {
    const ids = messages.map(({ id }) => id);
    return this.write({ messages: ids, deleted, ...(draft === undefined ? {} : { draft }) });
  }

  putDraft(conversation: string, draft: StoredDraft | null) {
    return this.write({ draftOf: conversation, draft });
  }

  putWithoutMessages({ id }: ConversationRecord, draft: StoredDraft | null) {
    return this.write({ begun: id, draft });
  }

  private async write(what: unknown): Promise<void> {
    await this.onWrite();
    if (this.failure) throw this.failure;
    this.written.push(what);
  }
}

function setUp() {
  const database = new FakeDatabase();
  const results: unknown[] = [];
  const state = {
    leaf: 'm' as string | null,
    draft: null as StoredDraft | null,
    missing: [] as string[],
    opening: () => Promise.resolve(database as unknown as Database),
  };
  const conversation: AutosaveSource = {
    toRecord: () => ({ id: 'c', leaf: state.leaf }) as ConversationRecord,
    messageRecord: (id) => (state.missing.includes(id) ? null : ({ id } as MessageRecord)),
    storedDraft: () => state.draft,
  };
  const autosave = new Autosave(
    () => state.opening(),
    conversation,
    (failure) => results.push(failure),
  );
  return { database, results, state, autosave, written: database.written };
}

const full = new DOMException('', 'QuotaExceededError') as unknown as Error;
const draft: StoredDraft = { text: 'Half a', files: [] };

describe('a failed write', () => {
  it('is reported, and its messages are written by the next who waits', async () => {
    const { database, autosave, written, results } = setUp();
    database.failure = full;
    autosave.save('m');
    await autosave.settled();
    expect(autosave.hasUnsavedChanges).toBe(true);
    await autosave.settled();
    expect(results).toEqual([full, full]);
    database.failure = null;
    await autosave.settled();
    expect(autosave.hasUnsavedChanges).toBe(false);
    expect(written).toEqual([{ messages: ['m'], deleted: [] }]);
    expect(results).toEqual([full, full, null]);
    await autosave.settled();
    expect(written).toHaveLength(1);
  });

  it('does not lose deletions', async () => {
    const { database, autosave, written } = setUp();
    database.failure = full;
    autosave.delete(['a', 'b']);
    await autosave.settled();
    database.failure = null;
    autosave.save('m');
    await autosave.settled();
    expect(written).toEqual([{ messages: ['m'], deleted: ['a', 'b'] }]);
    autosave.save('n');
    await autosave.settled();
    expect(written[1]).toEqual({ messages: ['n'], deleted: [] });
  });

  it('does not lose the draft', async () => {
    const { database, autosave, state, written } = setUp();
    state.draft = draft;
    database.failure = full;
    autosave.saveDraftSoon();
    await autosave.settled();
    database.failure = null;
    autosave.save('m');
    await autosave.settled();
    expect(written).toEqual([{ messages: ['m'], deleted: [], draft }]);
  });

  it('leaves a change of the conversation itself to be written, not only its draft', async () => {
    const { database, autosave, written } = setUp();
    database.failure = full;
    autosave.save();
    await autosave.settled();
    database.failure = null;
    await autosave.settled();
    expect(written).toEqual([{ messages: [], deleted: [] }]);
  });

  it('does not bring back a message that was deleted while it was being written', async () => {
    const { database, autosave, written, results } = setUp();
    database.failure = full;
    database.onWrite = () => {
      database.onWrite = () => undefined;
      autosave.delete(['m']);
    };
    autosave.save('m', 'n');
    await vi.waitFor(() => expect(results).toEqual([full, full]), 30_000);
    database.failure = null;
    await autosave.settled();
    expect(written).toEqual([{ messages: ['n'], deleted: ['m'] }]);
  });

  it('may also be one of opening the database, which is tried again', async () => {
    const { autosave, state, results, written, database } = setUp();
    const refused = new Error('refused');
    state.opening = () => Promise.reject(refused);
    autosave.save('m');
    await autosave.settled();
    expect(results).toEqual([refused]);
    state.opening = () => Promise.resolve(database as unknown as Database);
    autosave.save('n');
    await autosave.settled();
    expect(written).toEqual([{ messages: ['m', 'n'], deleted: [] }]);
  });
});

describe('what is written', () => {
  it('takes changes together that come before the write begins, and those after it in a write of their own', async () => {
    const { database, autosave, written } = setUp();
    let during = () => autosave.save('third');
    database.onWrite = () => {
      during();
      during = () => undefined;
    };
    autosave.save('first');
    autosave.save('second', 'first');
    await vi.waitFor(() => expect(written).toHaveLength(2), 30_000);
    expect(written).toEqual([
      { messages: ['first', 'second'], deleted: [] },
      { messages: ['third'], deleted: [] },
    ]);
  });

  it('never begins before the write before it has ended', async () => {
    const { database, autosave, written } = setUp();
    const ends: (() => void)[] = [];
    database.onWrite = () => new Promise((resolve) => ends.push(resolve));
    autosave.save('m');
    await vi.waitFor(() => expect(ends).toHaveLength(1), 30_000);
    autosave.save('n');
    const settled = autosave.settled();
    await Promise.resolve();
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await vi.waitFor(() => expect(ends).toHaveLength(2), 30_000);
    ends[1]?.();
    await settled;
    expect(written).toHaveLength(2);
  });

  it('leaves out messages that are gone, and never writes one that was deleted after it changed', async () => {
    const { autosave, state, written } = setUp();
    state.missing = ['gone'];
    autosave.save('m', 'gone', 'late');
    autosave.delete(['late']);
    await autosave.settled();
    expect(written).toEqual([{ messages: ['m'], deleted: ['late'] }]);
  });

  it('is the draft alone where nothing else changed', async () => {
    const { autosave, state, written } = setUp();
    state.draft = draft;
    autosave.saveDraftSoon();
    await autosave.settled();
    state.draft = null;
    autosave.saveDraftSoon();
    await autosave.settled();
    expect(written).toEqual([
      { draftOf: 'c', draft },
      { draftOf: 'c', draft: null },
    ]);
  });

  it('does not touch the draft unless that changed', async () => {
    const { autosave, state, written } = setUp();
    state.draft = draft;
    autosave.save('m');
    await autosave.settled();
    autosave.saveDraftSoon();
    autosave.save('n');
    await autosave.settled();
    expect(written).toEqual([
      { messages: ['m'], deleted: [] },
      { messages: ['n'], deleted: [], draft },
    ]);
  });

  it('is told apart where no message is left: a conversation that is there for its draft, or one that lost its last message', async () => {
    const { autosave, state, written } = setUp();
    Object.assign(state, { leaf: null, draft });
    autosave.save();
    await autosave.settled();
    autosave.delete(['m']);
    await autosave.settled();
    expect(written).toEqual([
      { begun: 'c', draft },
      { messages: [], deleted: ['m'] },
    ]);
  });
});

describe('when it is written', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is at once for what is said, once a second for what streams, and sooner for what is typed', async () => {
    const { autosave, written } = setUp();
    autosave.saveAnswerSoon('m');
    await vi.advanceTimersByTimeAsync(700);
    autosave.saveAnswerSoon('m');
    await vi.advanceTimersByTimeAsync(299);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toEqual([{ messages: ['m'], deleted: [] }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(written).toHaveLength(1);
    autosave.saveDraftSoon();
    await vi.advanceTimersByTimeAsync(299);
    expect(written).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toHaveLength(2);
    autosave.save('n');
    await vi.advanceTimersByTimeAsync(0);
    expect(written).toHaveLength(3);
  });

  it('is now for who waits, and then not once more when the time has come', async () => {
    const { autosave, written } = setUp();
    autosave.saveAnswerSoon('m');
    await autosave.settled();
    expect(written).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(written).toHaveLength(1);
    await autosave.settled();
    expect(written).toHaveLength(1);
  });

  it('is never once it was stopped, also for what was about to be written or failed', async () => {
    const { autosave, database, written, results } = setUp();
    database.failure = full;
    autosave.save('m');
    await autosave.settled();
    autosave.saveAnswerSoon('m');
    autosave.stop();
    expect(autosave.hasUnsavedChanges).toBe(false);
    expect(results.at(-1)).toBeNull();
    database.failure = null;
    await vi.advanceTimersByTimeAsync(5000);
    autosave.save('n');
    await autosave.settled();
    expect(written).toEqual([]);
  });

  it('is not when it is stopped while the database opens or the write runs', async () => {
    const { autosave, state, database, written, results } = setUp();
    const opens: ((database: Database) => void)[] = [];
    state.opening = () => new Promise((resolve) => opens.push(resolve));
    autosave.save('m');
    await Promise.resolve();
    autosave.stop();
    opens[0]?.(database as unknown as Database);
    await autosave.settled();
    expect(opens).toHaveLength(1);
    expect(written).toEqual([]);
    expect(results).toEqual([null]);

    const late = setUp();
    late.database.failure = full;
    late.database.onWrite = () => late.autosave.stop();
    late.autosave.save('m');
    await late.autosave.settled();
    expect(late.results).toEqual([null]);
  });
});
