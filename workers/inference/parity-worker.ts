/**
 * The decoder and the vision encoder on given token ids and pixels, for `npm run parity`: every way of reading a prompt
 * gives its logits, which the tool compares with a reference. It is the app's own code that runs here, not a copy.
 */
import type { ParityCaseResult, ParityFromWorker, ParityJob } from '../../protocol/parity.ts';
import { GREEDY_SAMPLING } from '../../protocol/sampling.ts';
import type { PromptPicture } from './backend-interface/pictures.ts';
import { openModel, type Model } from './model/model.ts';
import { Sampler } from './sampling/sampler.ts';

const post = (message: ParityFromWorker) => {
  self.postMessage(message);
};

async function encodePictures(model: Model, job: ParityJob): Promise<Float32Array[]> {
  if (!job.pixelValues || !model.encoder || !model.config.vision) return [];
  const { imageSize, channels } = model.config.vision;
  const values = new Float32Array(await (await fetch(job.pixelValues)).arrayBuffer());
  const size = channels * imageSize * imageSize;
  const features: Float32Array[] = [];
  for (let i = 0; (i + 1) * size <= values.length; i++)
    features.push(await model.encoder.encode(`image ${i}`, values.slice(i * size, (i + 1) * size)));
  return features;
}

async function send(job: ParityJob, name: string, values: Float32Array): Promise<void> {
  const body = new Blob([values as Float32Array<ArrayBuffer>]);
  const response = await fetch(`${job.results}/${encodeURIComponent(name)}`, { method: 'POST', body });
  if (!response.ok) throw new Error(`results were refused: ${response.status}`);
}

async function run(job: ParityJob): Promise<void> {
  const contextLength = Math.max(...job.cases.map((c) => c.ids.length + c.greedy)) + 1;
  const model = await openModel(job.folder, { device: job.device, dtype: job.dtype, contextLength });
  const features = await encodePictures(model, job);
  for (const [i, values] of features.entries()) await send(job, `features/${i}`, values);
  const done: ParityCaseResult[] = [];
  for (const { name, ids, pictures, comparedPositions, chunkings, greedy } of job.cases) {
    post({ progress: name });
    const prompt = {
      ids,
      pictures: pictures.map(({ start, length, image }): PromptPicture => {
        const found = features[image];
        if (!found) throw new Error(`${name} names picture ${image}, of which there are ${features.length}`);
        return { start, length, features: found, key: `image ${image}` };
      }),
    };
    let last: Float32Array | undefined;
    for (const [number, ends] of chunkings.entries()) {
      model.decoder.clear();
      const parts: Float32Array[] = [];
      for (const end of ends) {
        // The reference has logits of the last positions only.
        const keep = Math.min(end - model.decoder.length, comparedPositions - (ids.length - end));
        parts.push(await model.decoder.forward(prompt, end, Math.max(0, keep)));
      }
      const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        all.set(part, at);
        at += part.length;
      }
      await send(job, `${name}/${number}`, all);
      last = all.slice(-all.length / comparedPositions);
    }
    const sampler = new Sampler(GREEDY_SAMPLING);
    const tokens: number[] = [];
    while (last && tokens.length < greedy) {
      const id = sampler.next(last, tokens);
      tokens.push(id);
      if (tokens.length < greedy) last = await (await model.decoder.step(id)).lastRows();
    }
    done.push({ name, greedy: tokens });
  }
  await model.dispose();
  post({ done, adapter: model.adapter });
}

self.onmessage = (event: MessageEvent<ParityJob>) => {
  run(event.data).catch((cause: unknown) => {
    post({ error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
  });
};
