import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { gitSha1, sha256, toHex } from './hashing.ts';

it('writes two digits for each byte', () => {
  expect(toHex(Uint8Array.of(0, 1, 15, 16, 171, 255))).toBe('00010f10abff');
});

it('hashes as SHA-256 does', async () => {
  expect(await sha256(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

it('hashes as git does a blob', async () => {
  // git hash-object of a file that holds "hello\n".
  expect(await gitSha1(new TextEncoder().encode('hello\n'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a');
  const bytes = new Uint8Array(1000).fill(7);
  expect(await gitSha1(bytes)).toBe(createHash('sha1').update('blob 1000\0').update(bytes).digest('hex'));
});
