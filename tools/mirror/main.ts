/**
 * npm run mirror -- MODEL DIR [options]: a model of the hub, or of another mirror → a folder that any server can serve.
 */
import { parseArgs } from 'node:util';
import { progressPrinter } from '../export/progress.ts';
import { MirrorError, sentence } from './failure.ts';
import { mirrorModel, type MirrorOptions } from './mirror-model.ts';

const USAGE = `npm run mirror -- MODEL DIR [options]

MODEL  a model of the Hugging Face hub (onnx-community/gemma-3-1b-it-ONNX-GQA), a short name (gemma-3-270m, gemma-3-1b,
       gemma-3-4b), or the URL of a model folder that has a manifest.json
DIR    the folder to make; one that an interrupted run left is gone on with, a whole one is checked

  --dtype q4|q4f16|fp32|fp16   q4 unless said
  --revision R                 a branch, tag or commit of the hub; main unless said
  --hub URL                    another hub than https://huggingface.co
`;

function readOptions(argv: string[]): MirrorOptions {
  const usage = (problem: string) => new MirrorError(`${problem}\n\n${USAGE}`);
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { dtype: { type: 'string' }, revision: { type: 'string' }, hub: { type: 'string' } },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
  const { values, positionals } = parsed;
  const [model, folder] = positionals;
  if (!model || !folder || positionals.length > 2) throw new MirrorError(USAGE);
  const dtype = (['q4', 'q4f16', 'fp32', 'fp16'] as const).find((each) => each === values.dtype);
  if (values.dtype !== undefined && !dtype)
    throw usage(`--dtype is ${values.dtype}: it must be q4, q4f16, fp32 or fp16.`);
  return { model, folder, dtype, revision: values.revision, hub: values.hub };
}

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new MirrorError('Stopped; run the same command again to go on.')));
  let progress = progressPrinter(process.stderr);
  try {
    const options = readOptions(process.argv.slice(2));
    const { manifest, received, wasComplete, addedToCatalogue } = await mirrorModel({
      ...options,
      signal: stop.signal,
      onProgress: (done) => progress.update(done),
      onNotice(text) {
        progress.end();
        process.stderr.write(`${text}\n`);
        // Progress may begin again from the start.
        progress = progressPrinter(process.stderr);
      },
    });
    progress.end();
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    const size = manifest.files.reduce((sum, file) => sum + file.size, 0);
    const what = `${manifest.id}, revision ${manifest.revision}, ${manifest.files.length} files, ${megabytes(size)}`;
    const how = wasComplete ? 'whole and right already, nothing fetched' : `${megabytes(received)} fetched`;
    process.stdout.write(`${options.folder}: ${what}: ${how}\n`);
    if (addedToCatalogue) process.stdout.write('Added to catalogue.json: the site offers it now.\n');
  } catch (cause) {
    progress.end();
    process.stderr.write(`${sentence(cause)}\n`);
    process.exitCode = 1;
  }
}

await main();
