/**
 * Numbers that the kernels (AssemblyScript) and whoever lays out their memory (TypeScript, memory-plan.ts) must agree on.
 * The file is valid in both languages: whole numbers, without types.
 */

/** Tokens of text that go through the layers together at most; a picture's tokens all do. */
export const MAX_TOKENS = 16;

/** Weights in a block of a 4-bit matrix. */
export const BLOCK = 32;

/** Bytes of a packed block of activations: eight vectors, and −Σ of each lane's values. */
export const PACKED_BLOCK = 144;

/** Bytes of a thread's scratch memory: two unpacked rows, and eight sums. */
export const SCRATCH = 18496;

/** Cached tokens in a partition of attention: one chunk of the job covers one. Partitions begin at multiples of this number. */
export const PART = 128;

/** Bytes of the pool: its structure, and the words that threads wait on. */
export const POOL_BYTES = 512;

/** Offset in the pool, in bytes, of the number of worker threads that run now. */
export const ACTIVE_THREADS = 448;
