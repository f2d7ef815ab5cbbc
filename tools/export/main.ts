/** @file `npm run export -- CHECKPOINT OUT [options]` turns a Hugging Face Gemma 3 checkpoint into a model folder. */
import { parseArgs } from 'node:util';
import { type ExportDtype, exportModel, type ExportOptions } from './export-model.ts';
import { ExportError, describeFailure } from './failure.ts';
import { progressPrinter } from './progress.ts';

const USAGE = `npm run export -- CHECKPOINT OUT [options]

CHECKPOINT  a Hugging Face Gemma 3 folder: config.json, model.safetensors (or shards with their index), tokenizer files
OUT         the model folder to make; or one made from the same checkpoint, to which another dtype is added

  --dtype fp32|q4|q4f16                    q4 unless said: 4-bit weights, fp32 activations. q4f16: fp16 where it is safe
  --image-attention bidirectional|causal   bidirectional unless said, as Gemma 3 does; causal runs in stock transformers.js
  --context N                              tokens of context to offer (the model's own, at most 32768, unless said)
  --licence TEXT                           the weights' licence, for manifest.json
  --id ID                                  the model's name, for manifest.json
`;

function readOptions(argv: string[]): ExportOptions {
  const usage = (problem: string) => new ExportError(`${problem}\n\n${USAGE}`);
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        dtype: { type: 'string', default: 'q4' },
        'image-attention': { type: 'string', default: 'bidirectional' },
        context: { type: 'string' },
        licence: { type: 'string' },
        id: { type: 'string' },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
  const { values, positionals } = parsed;
  const [checkpoint, out] = positionals;
  if (!checkpoint || !out || positionals.length > 2) throw new ExportError(USAGE);
  const dtype = (['fp32', 'q4', 'q4f16'] as const).find((d): d is ExportDtype => d === values.dtype);
  if (!dtype) throw usage(`--dtype is ${values.dtype}: it must be fp32, q4 or q4f16.`);
  const imageAttention = (['bidirectional', 'causal'] as const).find((a) => a === values['image-attention']);
  if (!imageAttention)
    throw usage(`--image-attention is ${values['image-attention']}: it must be bidirectional or causal.`);
  const context = values.context === undefined ? undefined : Number(values.context);
  if (context !== undefined && !(Number.isSafeInteger(context) && context > 0))
    throw usage(`--context is ${String(values.context)}: it must be a positive whole number.`);
  return {
    checkpoint,
    out,
    dtype,
    imageAttention,
    ...(context !== undefined && { contextLength: context }),
    ...(values.licence !== undefined && { licence: values.licence }),
    ...(values.id !== undefined && { id: values.id }),
  };
}

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new ExportError('Stopped; nothing was left behind.')));
  const progress = progressPrinter(process.stderr);
  try {
    const options = readOptions(process.argv.slice(2));
    const manifest = await exportModel({ ...options, signal: stop.signal, onProgress: progress.update });
    const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0);
    progress.end();
    process.stdout.write(`${options.out}: ${manifest.files.length} files, ${(bytes / 1e6).toFixed(1)} MB\n`);
    if (!manifest.files.some(({ path }) => path === 'tokenizer.json'))
      process.stderr.write(
        'The checkpoint has no tokenizer.json: put one beside it and export again, or no app can use it.\n',
      );
  } catch (cause) {
    progress.end();
    process.stderr.write(`${describeFailure(cause)}\n`);
    process.exitCode = 1;
  }
}

await main();
