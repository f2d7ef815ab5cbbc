import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Waiting } from '../../protocol/store.ts';
import * as backoff from './backoff-policy.ts';
import { type DownloadOptions, PartDownload } from './part-download.ts';
import { type Part, PartRecord, partsOf } from './parts.ts';
import type { Plan, PlannedFile } from './plan.ts';
import { type FailureKind, SourceFailure } from './sources/source.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 10 }));

/** An answer of the source: the bytes it sends, and how it ends. */
type Answer = (number[] | SourceFailure | Error | (() => void))[] | SourceFailure | Error;

const content = Array.from({ length: 25 }, (_, i) => i + 1);
const file: PlannedFile = { path: 'w', size: content.length };
const parts = partsOf({ files: [file] } as Plan) as [Part, Part, Part];

let disk: Uint8Array;
let record: PartRecord;
let writes: [at: number, length: number][];
let asked: [offset: number, length: number][];
let answers: Answer[];
let completed: [number, number[]][];
let waits: Waiting[];
let bytes: number;
let stop: AbortController;
let correct: () => boolean;

const handle = {
  read: (into: Uint8Array, { at }: { at: number }) => {
    into.set(disk.subarray(at, at + into.length));
    return into.length;
  },
  write: (from: Uint8Array, { at }: { at: number }) => {
    disk.set(from, at);
    writes.push([at, from.length]);
    return from.length;
  },
} as unknown as FileSystemSyncAccessHandle;

async function* play(answer: Exclude<Answer, Error>): AsyncGenerator<Uint8Array> {
  for (const step of answer) {
    await Promise.resolve();
    if (step instanceof Error) throw step;
    if (typeof step === 'function') step();
    else yield Uint8Array.from(step);
  }
}

const start = (run: [Part, ...Part[]], more: Partial<DownloadOptions> = {}, tries = 3) =>
  new PartDownload(run, {
    ...{ record, handle, buffer: new Uint8Array(10), signal: stop.signal, writeThrough: true },
    source: {
      ...{ ranges: true, tries },
      read: (of, offset, length) => {
        expect(of).toBe(file);
        asked.push([offset, length]);
        const answer = answers.shift() ?? [content.slice(offset, offset + length)];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(play(answer));
      },
    },
    onPart: (part, given) => {
      completed.push([part.index, [...given]]);
      if (!correct()) return Promise.resolve(false);
      record.set(part, 'verified');
      return Promise.resolve(true);
    },
    onBytes: (count) => {
      bytes += count;
    },
    onWaiting: (waiting) => {
      waits.push(waiting);
    },
    ...more,
  });

const delays: number[] = [];
beforeEach(() => {
  disk = new Uint8Array(content.length);
  record = new PartRecord(parts, new Uint8Array());
  [writes, asked, answers, completed, waits, bytes] = [[], [], [], [], [], 0];
  stop = new AbortController();
  correct = () => true;
  delays.length = 0;
  vi.stubGlobal('navigator', { onLine: true });
  vi.spyOn(backoff, 'delayOrOnline').mockImplementation((ms) => {
    delays.push(ms);
    return Promise.resolve();
  });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const wholeParts = [0, 1, 2].map((i) => [i, content.slice(10 * i, 10 * i + 10)]);

describe('a download', () => {
  it('reads one part, writes it once, and hands it over', async () => {
    await start([parts[1]]).run();
    expect(asked).toEqual([[10, 10]]);
    expect(completed).toEqual([wholeParts[1]]);
    expect(writes).toEqual([[10, 10]]);
    expect([...disk.subarray(10, 20)]).toEqual(content.slice(10, 20));
    expect(bytes).toBe(10);
  });

  it('reads parts that follow each other in one go, however the answer is cut', async () => {
    answers = [[content.slice(0, 3), content.slice(3, 14), content.slice(14)]];
    await start(parts).run();
    expect(asked).toEqual([[0, 25]]);
    expect(completed).toEqual(wholeParts);
    expect([...disk]).toEqual(content);
    expect(bytes).toBe(25);
  });

  it('takes no more than it asked for', async () => {
    answers = [[content]];
    await start([parts[0]]).run();
    expect(completed).toEqual([wholeParts[0]]);
    expect(bytes).toBe(10);
  });

  it('goes on where an answer ended early', async () => {
    answers = [[content.slice(0, 13)], [content.slice(13, 14)]];
    await start(parts).run();
    expect(asked).toEqual([
      [0, 25],
      [13, 12],
      [14, 11],
    ]);
    expect(completed).toEqual(wholeParts);
  });

  it('goes on with what an earlier run left in the file', async () => {
    disk.set(content.slice(10, 14), 10);
    record.setPartialBytes(parts[1], 4);
    await start([parts[1]]).run();
    expect(asked).toEqual([[14, 6]]);
    expect(completed).toEqual([wholeParts[1]]);
    expect(writes).toEqual([[14, 6]]);
  });

  it('asks for nothing where a part was left complete', async () => {
    disk.set(content.slice(10, 20), 10);
    record.setPartialBytes(parts[1], 10);
    await start([parts[1], parts[2]]).run();
    expect(asked).toEqual([[20, 5]]);
    expect(completed).toEqual(wholeParts.slice(1));
  });

  it('completes an empty file without asking', async () => {
    const empty = partsOf({ files: [{ path: 'e', size: 0 }] } as Plan) as [Part];
    record = new PartRecord(empty, new Uint8Array());
    await start(empty).run();
    expect(asked).toEqual([]);
    expect(completed).toEqual([[0, []]]);
  });

  it('leaves the file alone where it is told to', async () => {
    record.setPartialBytes(parts[0], 4);
    answers = [[content.slice(0, 4), new SourceFailure('network', 'broke')]];
    await start([parts[0]], { writeThrough: false }).run();
    expect(asked).toEqual([
      [0, 10],
      [4, 6],
    ]);
    expect(writes).toEqual([]);
    expect(completed).toEqual([wholeParts[0]]);
  });
});

describe('progress', () => {
  it('counts the bytes of a part until the record does', async () => {
    const seen: number[] = [];
    answers = [[content.slice(0, 4), content.slice(4, 12)]];
    const download: PartDownload = start([parts[0], parts[1]], {
      onBytes: () => {
        seen.push(download.partialBytes);
      },
      onPart: (part) => {
        seen.push(-download.partialBytes);
        record.set(part, 'verified');
        seen.push(-download.partialBytes);
        return Promise.resolve(true);
      },
    });
    expect(download.partialBytes).toBe(0);
    await download.run();
    expect(seen).toEqual([4, 10, -10, -0, 2, 10, -10, -0]);
    expect(download.partialBytes).toBe(0);
  });

  it('writes what came of a part every two seconds', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const after = (ms: number) => () => {
      now += ms;
    };
    const [a, b, c, d] = [content.slice(0, 2), content.slice(2, 4), content.slice(4, 6), content.slice(6, 10)];
    answers = [[after(1999), a, after(1), b, after(1999), c, after(1), d]];
    const partial: number[] = [];
    vi.spyOn(record, 'setPartialBytes').mockImplementation((_, count) => partial.push(count));
    await start([parts[0]]).run();
    expect(writes).toEqual([
      [0, 4],
      [4, 6],
    ]);
    expect(partial).toEqual([4]);
  });
});

describe('when bytes are wrong', () => {
  it('asks for the whole part again, and forgets what it had', async () => {
    const verdicts = [false, true, true];
    correct = () => verdicts.shift() ?? true;
    answers = [[content.map(() => 9)]];
    await start([parts[0], parts[1]]).run();
    expect(asked).toEqual([
      [0, 20],
      [0, 20],
    ]);
    expect(completed).toEqual([[0, Array(10).fill(9)], wholeParts[0], wholeParts[1]]);
    expect(delays).toEqual([]);
    expect([...disk.subarray(0, 20)]).toEqual(content.slice(0, 20));
  });

  it('remembers on the disk that nothing of the part is right', async () => {
    correct = () => false;
    record.setPartialBytes(parts[0], 5);
    await expect(start([parts[0]], {}, 2).run()).rejects.toMatchObject({ problem: 'wrong' });
    expect(record.partialBytes(parts[0])).toBe(0);
  });

  it('does not touch the record where it does not write', async () => {
    const verdicts = [false, true];
    correct = () => verdicts.shift() ?? true;
    record.setPartialBytes(parts[0], 5);
    const set = vi.spyOn(record, 'setPartialBytes');
    await start([parts[0]], { writeThrough: false }).run();
    expect(set).not.toHaveBeenCalled();
  });

  it('gives up after as many tries as the source is worth', async () => {
    correct = () => false;
    await expect(start([parts[0]]).run()).rejects.toMatchObject({
      ...{ problem: 'wrong', message: 'source-bad: w: wrong bytes' },
      error: { code: 'source-bad', detail: 'w: wrong bytes' },
    });
    expect(asked).toHaveLength(3);
    asked = [];
    await expect(start([parts[0]], {}, 1).run()).rejects.toMatchObject({ problem: 'wrong' });
    expect(asked).toHaveLength(1);
  });

  it('counts tries for each part anew', async () => {
    const verdicts = [false, false, true, false, false, true];
    correct = () => verdicts.shift() ?? true;
    await start([parts[0], parts[1]]).run();
    expect(asked).toHaveLength(5);
  });

  it('calls a file that ends too early wrong', async () => {
    answers = [[], [[]], []];
    await expect(start([parts[0]]).run()).rejects.toMatchObject({
      error: { code: 'source-bad', detail: 'w: cut short' },
    });
    expect(asked).toHaveLength(3);
  });
});

describe('when the source fails', () => {
  const waiting: [FailureKind, number][] = [
    ['network', 1000],
    ['server-busy', 5000],
    ['server-error', 2000],
    ['web-page', 5000],
  ];
  for (const [kind, ms] of waiting)
    it(`waits, says so, and goes on: ${kind}`, async () => {
      vi.useFakeTimers({ now: 1e12, toFake: ['Date'] });
      answers = [new SourceFailure(kind, 'x'), [content.slice(0, 4), new SourceFailure(kind, 'x')]];
      await start([parts[0]]).run();
      vi.useRealTimers();
      expect(delays).toEqual([ms, ms]);
      expect(waits).toEqual(Array(2).fill({ reason: kind, until: 1e12 + ms }));
      expect(asked).toEqual([
        [0, 10],
        [0, 10],
        [4, 6],
      ]);
      // Bytes that came before the break are in the file.
      expect(writes).toEqual([
        [0, 4],
        [4, 6],
      ]);
    });

  it('waits longer each time, until bytes come', async () => {
    const broken = () => new SourceFailure('network', 'x');
    answers = [broken(), broken(), broken(), [content.slice(0, 1), broken()], broken()];
    await start([parts[0]]).run();
    expect(delays).toEqual([1000, 2000, 4000, 1000, 2000]);
  });

  it('waits as long as the server asks', async () => {
    answers = [new SourceFailure('server-busy', 'x', 77_000)];
    await start([parts[0]]).run();
    expect(delays).toEqual([77_000 + 500]);
  });

  it('names no time while there is no network', async () => {
    vi.stubGlobal('navigator', { onLine: false });
    answers = [new SourceFailure('network', 'x'), new SourceFailure('server-error', 'x')];
    await start([parts[0]]).run();
    expect(waits.map(({ until }) => until === null)).toEqual([true, false]);
  });

  it('gives up where asking again is of no use', async () => {
    answers = [new SourceFailure('gone', 'w: 404')];
    await expect(start([parts[0]]).run()).rejects.toMatchObject({
      ...{ problem: 'missing', error: { code: 'not-found', detail: 'w: 404' } },
    });
    answers = [new SourceFailure('refused', 'w: policy')];
    await expect(start([parts[0]]).run()).rejects.toMatchObject({
      error: { code: 'host-refused', detail: 'w: policy' },
    });
    expect(delays).toEqual([]);
  });

  it('keeps what came, and passes on what is no failure of the source', async () => {
    answers = [[content.slice(0, 4), new RangeError('bug')]];
    await expect(start([parts[0]]).run()).rejects.toThrow('bug');
    expect(writes).toEqual([[0, 4]]);
    expect(record.partialBytes(parts[0])).toBe(4);
  });
});

describe('when it is stopped', () => {
  it('asks for nothing', async () => {
    stop.abort('paused');
    await expect(start([parts[0]]).run()).rejects.toBe('paused');
    expect(asked).toEqual([]);
  });

  it('keeps what came', async () => {
    answers = [
      [
        content.slice(0, 4),
        () => {
          stop.abort('paused');
        },
        new SourceFailure('network', 'broke'),
      ],
    ];
    await expect(start([parts[0]]).run()).rejects.toBe('paused');
    expect(record.partialBytes(parts[0])).toBe(4);
    expect([...disk.subarray(0, 5)]).toEqual([1, 2, 3, 4, 0]);
  });
});
