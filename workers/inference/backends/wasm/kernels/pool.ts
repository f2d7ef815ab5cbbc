/**
 * Jobs that threads share. A job is cut into chunks, and a free thread takes the next one: a thread that the system delays holds
 * up at most its own chunk, and one that has not started holds up nothing. Threads wait for a job in a short loop, then sleep.
 */
import { attendPart, firstSeen, partsOf } from './attention';
import { ACTIVE_THREADS } from './constants';
import { Matrix, Pool } from './layout';
import { gegluRows, gemmRows } from './gemm-q4';

export const GEMM = 0;
export const GEGLU = 1;
export const ATTENTION = 2;

/** Offsets from the pool of the words that threads wait on, each on a cache line of its own. */
const TICKETS: i32 = 128;
const DONE: i32 = 192;
const NUMBER: i32 = 256;
const SLEEPERS: i32 = 320;
const WAITING: i32 = 384;
/** Iterations, about ten microseconds, before a thread sleeps. */
const SPIN_LIMIT = 20000;

/** Computes one chunk of the job. */
function runChunk(pool: Pool, chunk: i32, thread: i32): void {
  const model = pool.model;
  const scratch = model.scratch + thread * model.scratchBytes;
  if (pool.kind == ATTENTION) {
    const part = chunk % pool.parts;
    const which = chunk / pool.parts;
    const kvHead = which % model.kvHeads;
    const token = which / model.kvHeads;
    const seen = firstSeen(pool.layer, pool.position + token);
    const end = load<i32>(model.ends + ((pool.token + token) << 2));
    if (part >= partsOf(seen, end)) return;
    const headBytes = model.headDim << 2;
    const queries = model.queries + (pool.token + token) * model.heads * headBytes;
    const first = token * model.heads * model.maxParts;
    const parts = model.parts + first * headBytes;
    const stats = model.stats + (first << 3);
    attendPart(model, pool.layer, queries, kvHead, seen, end, part, parts, stats, scratch);
    return;
  }
  const rows = pool.chunkRows;
  if (pool.kind == GEGLU) {
    const first = chunk * rows;
    const end = min(first + rows, pool.a.rows);
    const bytes = model.packedBytes;
    const wide = model.wide;
    gegluRows(pool.a, pool.b, first, end, pool.from, bytes, pool.tokens, wide, model.wideBytes, pool.to, scratch);
    return;
  }
  let matrix = pool.a;
  let to = pool.to;
  for (let i = 0; i < 2; i++) {
    const chunks = chunksOf(matrix, rows);
    if (chunk < chunks) break;
    chunk -= chunks;
    to += matrix.rows << 2;
    matrix = i == 0 ? pool.b : pool.c;
  }
  const first = chunk * rows;
  const end = min(first + rows, matrix.rows);
  gemmRows(matrix, first, end, pool.from, model.packedBytes, pool.tokens, to, pool.toBytes, scratch);
}

/** Number of chunks that a matrix is cut into. */
export function chunksOf(matrix: Matrix, rows: i32): i32 {
  return (matrix.rows + rows - 1) / rows;
}

/** Takes chunks of the current job until none are left; returns the job's number. */
function takeChunks(pool: Pool, thread: i32): i32 {
  const base = changetype<usize>(pool);
  while (true) {
    // The upper half is the job's number, the lower half how many of its chunks are left.
    const tickets = atomic.load<i32>(base + TICKETS);
    const left = tickets & 0xffff;
    // Without a chunk a thread must not read the job, which may be the next one by now. A chunk keeps its job current.
    if (left == 0) return tickets >>> 16;
    if (atomic.cmpxchg<i32>(base + TICKETS, tickets, tickets - 1) != tickets) continue;
    const chunks = pool.chunks;
    runChunk(pool, chunks - left, thread);
    if (atomic.add<i32>(base + DONE, 1) + 1 == chunks && atomic.load<i32>(base + WAITING) > 0)
      atomic.notify(base + DONE, 1);
  }
}

/** Runs the job in `pool` on this thread and the worker threads. */
export function runJob(pool: Pool): void {
  const chunks = pool.chunks;
  if (pool.threads == 0) {
    for (let chunk = 0; chunk < chunks; chunk++) runChunk(pool, chunk, 0);
    return;
  }
  const base = changetype<usize>(pool);
  const job = (pool.job + 1) & 0xffff;
  pool.job = job;
  atomic.store<i32>(base + DONE, 0);
  atomic.store<i32>(base + TICKETS, (job << 16) | chunks);
  atomic.store<i32>(base + NUMBER, job);
  if (atomic.load<i32>(base + SLEEPERS) > 0) atomic.notify(base + NUMBER, -1);
  takeChunks(pool, 0);
  let spins = 0;
  while (true) {
    const done = atomic.load<i32>(base + DONE);
    if (done == chunks) return;
    if (++spins < SPIN_LIMIT) continue;
    atomic.store<i32>(base + WAITING, 1);
    atomic.wait<i32>(base + DONE, done, 1000000);
    atomic.store<i32>(base + WAITING, 0);
  }
}

/** The body of a worker thread: returns when `stop` is set. @param thread from 1 on */
export function runThread(pool: Pool, thread: i32): void {
  const base = changetype<usize>(pool);
  atomic.add<i32>(base + ACTIVE_THREADS, 1);
  let last = -1;
  while (true) {
    let spins = 0;
    while (atomic.load<i32>(base + NUMBER) == last && spins < SPIN_LIMIT) spins++;
    if (spins == SPIN_LIMIT) {
      atomic.add<i32>(base + SLEEPERS, 1);
      atomic.wait<i32>(base + NUMBER, last, -1);
      atomic.sub<i32>(base + SLEEPERS, 1);
    }
    if (pool.stop) break;
    last = takeChunks(pool, thread);
  }
  atomic.sub<i32>(base + ACTIVE_THREADS, 1);
}

/** Makes the worker threads return. */
export function stopThreads(pool: Pool): void {
  const base = changetype<usize>(pool);
  pool.stop = 1;
  atomic.store<i32>(base + NUMBER, -2);
  atomic.notify(base + NUMBER, -1);
}
