/**
 * @file Bytes that the test hub serves: from a disk, from memory, or generated as they are read. Large files are never
 * whole in memory.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PART_BYTES } from '../../protocol/sizes.ts';

const CHUNK = 256 * 1024;
const BLOCK = 1024 * 1024;

export interface Hashes {
  sha256: string;
  /** SHA-256 of each part, as in a manifest. */
  parts: string[];
}

export interface Content {
  readonly size: number;
  /** Reads bytes `start` to `end`, exclusive, in pieces. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  hashes(): Promise<Hashes>;
}

/** Reads the content once. @returns its hashes */
async function hash(content: Pick<Content, 'size' | 'read'>): Promise<Hashes> {
  const whole = createHash('sha256');
  const parts: string[] = [];
  for (let at = 0; at < Math.max(1, content.size); at += PART_BYTES) {
    const part = createHash('sha256');
    for await (const chunk of content.read(at, Math.min(content.size, at + PART_BYTES))) {
      whole.update(chunk);
      part.update(chunk);
    }
    parts.push(part.digest('hex'));
  }
  return { sha256: whole.digest('hex'), parts };
}

function content(size: number, read: Content['read']): Content {
  let known: Promise<Hashes> | undefined;
  return { size, read, hashes: () => (known ??= hash({ size, read })) };
}

export function fromBytes(bytes: Uint8Array | string): Content {
  const whole = Buffer.from(bytes);
  return content(whole.length, async function* (start, end) {
    for (let at = start; at < end; at += CHUNK)
      yield await Promise.resolve(whole.subarray(at, Math.min(end, at + CHUNK)));
  });
}

export async function fromFile(path: string): Promise<Content> {
  const { size } = await stat(path);
  return content(size, async function* (start, end) {
    if (start >= end) return;
    const stream = createReadStream(path, { start, end: end - 1, highWaterMark: CHUNK });
    for await (const chunk of stream) yield chunk as Buffer;
  });
}

const generated = new Map<number, Content>();

/** @returns pseudo-random bytes, the same for the same size: one block over and over, each with its number in front. */
export function generate(size: number): Content {
  const known = generated.get(size);
  if (known) return known;
  const block = createCipheriv('aes-128-ctr', 'fournil test hub', Buffer.alloc(16)).update(Buffer.alloc(BLOCK));
  const made = content(size, async function* (start, end) {
    for (let at = start; at < end;) {
      const from = at % BLOCK;
      const to = Math.min(BLOCK, from + CHUNK, from + end - at);
      const chunk = Buffer.from(block.subarray(from, to));
      const stamp = Buffer.alloc(8);
      stamp.writeDoubleLE(Math.floor(at / BLOCK));
      if (from < stamp.length) stamp.copy(chunk, 0, from);
      at += chunk.length;
      yield await Promise.resolve(chunk);
    }
  });
  generated.set(size, made);
  return made;
}

export async function readAll(content: Content): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content.read(0, content.size)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
