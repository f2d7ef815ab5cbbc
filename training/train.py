"""Second lesson: the whole model learns to answer, about pictures and without them, at the same time.

Several worker processes of one thread each take small batches from a queue and add to gradients in
shared memory; one process collects them and makes the step, while the workers are already busy with
the next one. On cores shared with other programs this is far faster than threads that wait for each
other after every operation.
"""

import argparse
import pickle
import time
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

from . import checkpoint, tokenizer
from .lessons import Batches
from .model import compile_layers, new_model, normalised, picture_features
from .optimizer import Both, schedule
from .reading import hidden_states, next_token_logits
from .see import Reader, targets


def is_eye(name: str) -> bool:
    return "vision_tower" in name or "projector" in name


def parts(model, reader) -> list[tuple[str, torch.nn.Parameter]]:
    return [*model.named_parameters(), *(("embed reader " + n, p) for n, p in reader.named_parameters())]


# From this part of the time on, answers are computed with weights rounded as the 4-bit export rounds them (the gradient
# passes straight through): the model learns to be right after rounding.
ROUNDED_FROM = 0.6


class Progress:
    """The part of the steps that has been made, of all that the time left allows at the present pace.

    A busy hour on shared cores so costs steps, but not the end of the schedule, where most is learned.
    """

    def __init__(self, budget: float):
        self.budget, self.start = budget, time.time()
        self.recent: list[tuple[float, int]] = []  # when each step of the last minutes ended

    def elapsed(self) -> float:
        return time.time() - self.start

    def __call__(self, step: int) -> float:
        now = self.elapsed()
        self.recent.append((now, step))
        while now - self.recent[0][0] > 600 and len(self.recent) > 20:
            del self.recent[0]
        then, before = self.recent[0]
        if step == before:  # the first one, whose time was spent on compiling
            return 0.0
        return step / (step + (step - before) / (now - then) * max(0.0, self.budget - now))


def work(rank: int, a, shared: dict[str, torch.Tensor], gradients: list[dict[str, torch.Tensor]], tasks, done) -> None:
    """Takes small batches until the queue says None; parameters and gradients live in shared memory."""
    torch.set_num_threads(1)
    model, words = checkpoint.load(a.out)
    model.train()
    reader = Reader(model.config.text_config.hidden_size)
    named = parts(model, reader)
    compile_layers(model)
    pictures = np.load(a.scenes / "pictures.npy", mmap_mode="r")
    scenes = pickle.loads((a.scenes / "scenes.pickle").read_bytes())
    mirrored = [s.mirrored() for s in scenes]
    batches = Batches(words, scenes, mirrored, a.rows, round(a.rows * 1.2), a.talk, 100 * a.seed + rank)
    while (task := tasks.get()) is not None:
        side, rounded = task
        for name, p in named:
            p.data.copy_(shared[name])
            p.grad = gradients[side][name]
        if rounded:
            checkpoint.round_to_q4(model)
        b = batches.next()
        x, flips = torch.from_numpy(pictures[b["which"]]), torch.from_numpy(b["flips"])
        x[flips] = x[flips].flip(2)
        facts = targets([(mirrored if f else scenes)[i] for i, f in zip(b["which"], b["flips"])])
        with torch.autocast("cpu", torch.bfloat16):
            features = picture_features(model, normalised(x))
            logits, want = next_token_logits(model, b, hidden_states(model, b, None, features))
            seen = reader(features, {k: torch.from_numpy(v) for k, v in facts.items()})
        loss = F.cross_entropy(logits.float(), want)
        ((loss + a.look * seen) / a.parts).backward()
        done.put((loss.item(), seen.item(), (logits.argmax(-1) == want).float().mean().item()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", type=Path, help="folder written by training.scenes")
    parser.add_argument("out", type=Path, help="checkpoint folder to write")
    parser.add_argument("--vision", type=Path, help="vision tower written by training.see")
    parser.add_argument("--begin", type=Path, help="checkpoint folder to go on from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rows", type=int, default=6, help="rows in a worker's batch")
    parser.add_argument("--parts", type=int, default=3, help="workers' batches in a step: one for each is fastest")
    parser.add_argument("--talk", type=float, default=0.4, help="share of conversations without a picture")
    parser.add_argument("--look", type=float, default=0.1, help="weight of the first lesson's loss, which goes on beside the second")
    parser.add_argument("--rate", type=float, default=1.0, help="factor of all learning rates")
    parser.add_argument("--done", type=float, default=0.0, help="part of the schedule that an earlier run already did")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=3, help="worker processes")
    a = parser.parse_args()
    torch.set_num_threads(1)

    if a.begin:
        model, words = checkpoint.load(a.begin)
        a.out.mkdir(parents=True, exist_ok=True)
        if a.begin != a.out:
            (a.out / "tokenizer.json").write_bytes((a.begin / "tokenizer.json").read_bytes())
    else:
        model = new_model(a.seed)
        tokenizer.train(pickle.loads((a.scenes / "scenes.pickle").read_bytes()), a.seed, a.out)
    if a.vision:
        model.load_state_dict(torch.load(a.vision), strict=False)
    checkpoint.save(model, a.out)
    if a.minutes == 0:
        return

    torch.manual_seed(a.seed)
    reader = Reader(model.config.text_config.hidden_size)
    named = parts(model, reader)
    for _, p in named:
        p.data.share_memory_()
    # two sets of gradients for each worker: one is filled while the other is used
    gradients = [[{n: torch.zeros_like(p).share_memory_() for n, p in named} for _ in range(2)] for _ in range(a.threads)]
    context = mp.get_context("spawn")
    tasks, done = context.SimpleQueue(), context.SimpleQueue()
    shared = {n: p.data for n, p in named}
    workers = [context.Process(target=work, args=(r, a, shared, gradients[r], tasks, done), daemon=True) for r in range(a.threads)]
    for w in workers:
        w.start()

    text = Both([(n, p) for n, p in named if not is_eye(n)], 4e-3 * a.rate, 2e-3 * a.rate)
    eyes = Both([(n, p) for n, p in named if is_eye(n)], 1e-3 * a.rate, 5e-4 * a.rate)
    progress = Progress(a.minutes * 60)
    step, part, saved = 0, 0.0, time.time()
    mean = np.zeros(3)
    for _ in range(a.parts):
        tasks.put((0, False))
    while progress.elapsed() < progress.budget:
        results = np.mean([done.get() for _ in range(a.parts)], 0)
        side = step % 2
        for _ in range(a.parts):
            tasks.put((1 - side, part > ROUNDED_FROM))
        with torch.no_grad():
            for name, p in named:
                p.grad = torch.stack([g[side][name] for g in gradients]).sum(0)
                for g in gradients:
                    g[side][name].zero_()
        part = progress(step + 1)
        scale = schedule(a.done + (1 - a.done) * part)
        text.step(scale)
        eyes.step(scale)
        step += 1
        mean += (0.02 if step > 50 else 1 / step) * (results - mean)
        if step in (3, 10, 30) or step % 50 == 0:
            print(f"{progress.elapsed():6.0f} s step {step} loss {mean[0]:.4f} seeing {mean[1]:.3f} right tokens {mean[2]:.4f} rate {scale:.3f} {step * a.rows * a.parts * 256 / progress.elapsed():.0f} tokens/s", flush=True)
        if time.time() - saved > 240:
            checkpoint.save(model, a.out)
            saved = time.time()
    for _ in workers:
        tasks.put(None)
    checkpoint.save(model, a.out)
    print("done", step, "steps", flush=True)


if __name__ == "__main__":
    main()
