import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreError } from '../../protocol/store.ts';
import {
  fileAt,
  folderOf,
  openSync,
  readFile,
  removeFolders,
  storedKeys,
  toStoreError,
  writeAll,
  writeFile,
} from './directory.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

let disk: Disk;
beforeEach(() => {
  disk = useDisk();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('toStoreError', () => {
  const codes: [string, string][] = [
    ['QuotaExceededError', 'quota'],
    ['NoModificationAllowedError', 'busy'],
    ['NotFoundError', 'missing'],
    ['SecurityError', 'storage'],
    ['NotAllowedError', 'storage'],
  ];
  for (const [name, code] of codes)
    it(`calls ${name} ${code}`, () => {
      expect(toStoreError(new DOMException('why', name))).toMatchObject({ code, detail: `${name}: why` });
    });

  it('says nothing more of what was stopped', () => {
    expect(toStoreError(new DOMException('why', 'AbortError'))).toMatchObject({ code: 'aborted', detail: '' });
  });

  it('keeps what is a StoreError, and the cause of anything else', () => {
    const error = new StoreError('network', 'x');
    expect(toStoreError(error)).toBe(error);
    expect(toStoreError(new RangeError('far'))).toMatchObject({ code: 'internal', detail: 'RangeError: far' });
    expect(toStoreError('thrown')).toMatchObject({ code: 'internal', detail: 'thrown' });
    // Only the browser's own exceptions count by their names.
    const imitation = Object.assign(new Error('x'), { name: 'QuotaExceededError' });
    expect(toStoreError(imitation)).toMatchObject({ code: 'internal' });
  });
});

describe('folders and files', () => {
  it('are created only where asked', async () => {
    await expect(folderOf('models', 'k')).rejects.toMatchObject({ name: 'NotFoundError' });
    const folder = await folderOf('models', 'k', true);
    await expect(fileAt(folder, 'onnx/a')).rejects.toMatchObject({ name: 'NotFoundError' });
    await fileAt(folder, 'onnx/deep/a', true);
    expect(disk.paths).toEqual(['models/k/onnx/deep/a']);
    expect((await fileAt(await folderOf('models', 'k'), 'onnx/deep/a')).name).toBe('a');
  });

  it('are read, or null where they are not there', async () => {
    const folder = await folderOf('records', 'k', true);
    expect(await readFile(folder, 'a/b')).toBeNull();
    await writeFile(folder, 'a', 'long text');
    await writeFile(folder, 'a', 'short');
    expect(await (await readFile(folder, 'a'))?.text()).toBe('short');
    expect(disk.flushed).toEqual(['a', 'a']);
    const broken = { getFileHandle: () => Promise.reject(new DOMException('', 'NotReadableError')) };
    await expect(readFile(broken as unknown as FileSystemDirectoryHandle, 'a')).rejects.toMatchObject({
      name: 'NotReadableError',
    });
  });

  it('are closed also where writing fails', async () => {
    const folder = await folderOf('records', 'k', true);
    disk.quota = 2;
    await expect(writeFile(folder, 'a', 'too long')).rejects.toMatchObject({ name: 'QuotaExceededError' });
    disk.quota = Infinity;
    await writeFile(folder, 'a', 'fits');
    expect(await (await readFile(folder, 'a'))?.text()).toBe('fits');
  });
});

it('says where a browser gives no storage', async () => {
  vi.stubGlobal('navigator', {});
  await expect(folderOf('models', 'k')).rejects.toMatchObject({
    code: 'storage',
    detail: 'no private file system here',
  });
  vi.stubGlobal('navigator', { storage: {} });
  await expect(folderOf('models', 'k')).rejects.toMatchObject({ code: 'storage' });
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.reject(new TypeError('private window')) } });
  await expect(folderOf('models', 'k')).rejects.toMatchObject({
    ...{ code: 'storage', detail: 'TypeError: private window' },
  });
});

describe('openSync', () => {
  const busy = new DOMException('open elsewhere', 'NoModificationAllowedError');
  const handleOf = (failures: number, cause: unknown = busy) => {
    let tries = 0;
    const create = vi.fn(() => (tries++ < failures ? Promise.reject(cause as Error) : Promise.resolve('open')));
    return { create, handle: { createSyncAccessHandle: create } as unknown as FileSystemFileHandle };
  };

  it('tries for five seconds while another tab has the file', async () => {
    vi.useFakeTimers();
    const { create, handle } = handleOf(20);
    const opened = vi.fn();
    void openSync(handle).then(opened);
    await vi.advanceTimersByTimeAsync(20 * 250 - 1);
    expect(opened).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(opened).toHaveBeenCalledWith('open');
    expect(create).toHaveBeenCalledTimes(21);
  });

  it('then gives up', async () => {
    vi.useFakeTimers();
    const { handle } = handleOf(21);
    const failed = expect(openSync(handle)).rejects.toBe(busy);
    await vi.advanceTimersByTimeAsync(5000);
    await failed;
  });

  it('does not try again where that would be of no use', async () => {
    const { create, handle } = handleOf(1, new DOMException('', 'QuotaExceededError'));
    await expect(openSync(handle)).rejects.toMatchObject({ name: 'QuotaExceededError' });
    expect(create).toHaveBeenCalledOnce();
  });
});

describe('writeAll', () => {
  it('goes on where a write was short', () => {
    const written: [number[], number][] = [];
    const file = {
      write: (bytes: Uint8Array, { at }: { at: number }) => {
        written.push([[...bytes], at]);
        return Math.min(2, bytes.length);
      },
    } as unknown as FileSystemSyncAccessHandle;
    writeAll(file, Uint8Array.of(1, 2, 3, 4, 5), 100);
    expect(written).toEqual([
      [[1, 2, 3, 4, 5], 100],
      [[3, 4, 5], 102],
      [[5], 104],
    ]);
    writeAll(file, new Uint8Array(), 0);
    expect(written).toHaveLength(3);
  });

  it('says that there is no space where nothing is written', () => {
    const file = { write: () => 0 } as unknown as FileSystemSyncAccessHandle;
    expect(() => {
      writeAll(file, Uint8Array.of(1), 0);
    }).toThrow(new StoreError('quota', 'a write came to nothing'));
  });
});

describe('the store’s keys', () => {
  it('are those of models and of records', async () => {
    for (const [kind, key] of [
      ['models', 'b'],
      ['records', 'a'],
      ['records', 'b'],
      ['models', 'c'],
    ] as const)
      await folderOf(kind, key, true);
    expect(await storedKeys()).toEqual(['a', 'b', 'c']);
    await removeFolders('b');
    expect(await storedKeys()).toEqual(['a', 'c']);
    await removeFolders('b');
  });

  it('stay where removing fails, the record first', async () => {
    await folderOf('models', 'a', true);
    await folderOf('records', 'a', true);
    const records = (await disk.root.getDirectoryHandle('records')) as unknown as FileSystemDirectoryHandle;
    const cause = new DOMException('', 'NoModificationAllowedError');
    const remove = vi.spyOn(records, 'removeEntry').mockRejectedValue(cause);
    await expect(removeFolders('a')).rejects.toBe(cause);
    expect(remove).toHaveBeenCalledWith('a', { recursive: true });
    await folderOf('models', 'a');
  });
});
