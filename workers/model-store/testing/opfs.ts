/** @file The origin private file system and Web Locks in memory: enough of both to run the store in Node. */
import { vi } from 'vitest';

const notFound = (name: string) => new DOMException(`${name} is not there`, 'NotFoundError');

class MemoryFile {
  readonly kind = 'file';
  bytes = new Uint8Array(0);
  private open = false;

  constructor(
    readonly name: string,
    private readonly disk: Disk,
  ) {}

  getFile(): Promise<File> {
    return Promise.resolve(new File([this.bytes.slice()], this.name));
  }

  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle> {
    if (this.open) return Promise.reject(new DOMException('it is open', 'NoModificationAllowedError'));
    this.open = true;
    const resize = (size: number) => {
      if (this.disk.used - this.bytes.length + size > this.disk.quota)
        throw new DOMException('no room', 'QuotaExceededError');
      this.disk.used += size - this.bytes.length;
      const bytes = new Uint8Array(size);
      bytes.set(this.bytes.subarray(0, size));
      this.bytes = bytes;
    };
    return Promise.resolve({
      getSize: () => this.bytes.length,
      truncate: resize,
      read: (into: Uint8Array, { at = 0 } = {}) => {
        const some = this.bytes.subarray(at, at + into.length);
        into.set(some);
        return some.length;
      },
      write: (bytes: Uint8Array, { at = 0 } = {}) => {
        if (at + bytes.length > this.bytes.length) resize(at + bytes.length);
        this.bytes.set(bytes, at);
        return bytes.length;
      },
      flush: () => {
        this.disk.flushed.push(this.name);
      },
      close: () => {
        this.open = false;
      },
    } as unknown as FileSystemSyncAccessHandle);
  }

  /** The new content takes the old one's place once the stream is closed, as in browsers. */
  createWritable(): Promise<WritableStream<Uint8Array>> {
    const chunks: Uint8Array[] = [];
    return Promise.resolve(
      new WritableStream({
        write: (chunk) => {
          chunks.push(chunk);
        },
        close: () => {
          this.bytes = new Uint8Array(Buffer.concat(chunks));
          this.disk.replaced.push(this.name);
        },
      }),
    );
  }
}

class MemoryFolder {
  readonly kind = 'directory';
  readonly entries = new Map<string, MemoryFolder | MemoryFile>();

  constructor(
    readonly name: string,
    private readonly disk: Disk,
  ) {}

  private get<T>(name: string, create: boolean, make: () => T): Promise<T> {
    const known = this.entries.get(name);
    if (known) return Promise.resolve(known as T);
    if (!create) return Promise.reject(notFound(name));
    const made = make();
    this.entries.set(name, made as MemoryFile);
    return Promise.resolve(made);
  }

  getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    return this.get(name, create, () => new MemoryFolder(name, this.disk));
  }

  getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    return this.get(name, create, () => new MemoryFile(name, this.disk));
  }

  removeEntry(name: string): Promise<void> {
    return this.entries.delete(name) ? Promise.resolve() : Promise.reject(notFound(name));
  }

  async *keys(): AsyncGenerator<string> {
    for (const name of this.entries.keys()) yield await Promise.resolve(name);
  }
}

/** The disk behind the file system. */
export class Disk {
  quota = Infinity;
  used = 0;
  /** Names of files that were flushed, and of those that were written as streams. */
  readonly flushed: string[] = [];
  readonly replaced: string[] = [];
  readonly root = new MemoryFolder('', this);

  /** Gives the bytes of a file, to be read or damaged. */
  file(path: string): Uint8Array {
    let at: MemoryFolder | MemoryFile | undefined = this.root;
    for (const name of path.split('/')) at = at instanceof MemoryFolder ? at.entries.get(name) : undefined;
    if (!(at instanceof MemoryFile)) throw new Error(`${path} is not there`);
    return at.bytes;
  }

  get paths(): string[] {
    const walk = (folder: MemoryFolder, base: string): string[] =>
      [...folder.entries].flatMap(([name, entry]) =>
        entry instanceof MemoryFolder ? walk(entry, `${base}${name}/`) : [base + name],
      );
    return walk(this.root, '').sort();
  }
}

/**
 * Puts an empty file system in place of the browser's, and locks and storage estimates with it.
 * @returns its disk.
 */
export function useDisk(): Disk {
  const disk = new Disk();
  const held = new Map<string, Promise<unknown>>();
  const locks = {
    async request(name: string, options: { ifAvailable?: boolean }, use: (lock: object | null) => Promise<unknown>) {
      const before = held.get(name);
      if (before && options.ifAvailable) return use(null);
      const mine = (before ?? Promise.resolve()).then(() => use({ name }));
      const settled = mine.then(
        () => undefined,
        () => undefined,
      );
      held.set(name, settled);
      try {
        return await mine;
      } finally {
        if (held.get(name) === settled) held.delete(name);
      }
    },
  };
  // The store listens only for `online`, and here the network is never gone.
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  vi.stubGlobal('navigator', {
    onLine: true,
    locks,
    storage: {
      getDirectory: () => Promise.resolve(disk.root),
      estimate: () => Promise.resolve({ quota: disk.quota, usage: disk.used }),
    },
  });
  return disk;
}
