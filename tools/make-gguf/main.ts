/** tsx tools/make-gguf/main.ts CHECKPOINT OUT.gguf: a Gemma 3 text checkpoint for llama.cpp, to measure beside ours. */
import { makeGguf } from './gemma3.ts';

const [checkpoint, out, ...more] = process.argv.slice(2);
try {
  if (!checkpoint || !out || more.length > 0) throw new Error('tsx tools/make-gguf/main.ts CHECKPOINT OUT.gguf');
  await makeGguf(checkpoint, out);
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
