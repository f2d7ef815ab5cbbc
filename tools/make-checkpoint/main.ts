/**
 * tsx tools/make-checkpoint/main.ts OUT --size 270m [--layers N] [--shards] [--seed N]: a checkpoint of random weights.
 */
import { parseArgs } from 'node:util';
import { makeCheckpoint } from './make-checkpoint.ts';
import { type Size, SIZES } from './sizes.ts';

const USAGE = `tsx tools/make-checkpoint/main.ts OUT --size ${SIZES.join('|')} [--layers N] [--shards] [--seed N]\n`;
/** Size of the files that the hub's checkpoints are split into. */
const SHARD_BYTES = 5_000_000_000;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      size: { type: 'string' },
      layers: { type: 'string' },
      seed: { type: 'string', default: '1' },
      shards: { type: 'boolean', default: false },
    },
  });
  const size = SIZES.find((s): s is Size => s === values.size);
  const [out] = positionals;
  if (!out || !size || positionals.length > 1) throw new Error(USAGE);
  await makeCheckpoint({
    out,
    size,
    seed: Number(values.seed),
    ...(values.layers !== undefined && { layers: Number(values.layers) }),
    ...(values.shards && { shardBytes: SHARD_BYTES }),
    onFile: (name) => process.stderr.write(`${name}\n`),
  });
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
