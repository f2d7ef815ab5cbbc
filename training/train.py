"""Second lesson: the whole model learns to answer, about pictures and without them, at the same time."""

import argparse
import pickle
import queue
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from . import checkpoint, tokenizer
from .lessons import Batches
from .model import compile_layers, new_model, normalised, picture_features
from .optimizer import Both, schedule
from .reading import hidden_states, next_token_logits
from .see import Reader, targets


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", type=Path, help="folder written by training.scenes")
    parser.add_argument("out", type=Path, help="checkpoint folder to write")
    parser.add_argument("--vision", type=Path, help="vision tower written by training.see")
    parser.add_argument("--begin", type=Path, help="checkpoint folder to go on from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10**9, help="stop earlier after so many steps")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--talk", type=float, default=0.4, help="share of conversations without a picture")
    parser.add_argument("--look", type=float, default=0.1, help="weight of the first lesson's loss")
    parser.add_argument("--rate", type=float, default=1.0, help="factor of all learning rates")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=3)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    pictures = np.load(a.scenes / "pictures.npy", mmap_mode="r")
    scenes = pickle.loads((a.scenes / "scenes.pickle").read_bytes())
    mirrored = [s.mirrored() for s in scenes]

    if a.begin:
        model, words = checkpoint.load(a.begin)
        model.train()
        a.out.mkdir(parents=True, exist_ok=True)
        if a.begin != a.out:
            (a.out / "tokenizer.json").write_bytes((a.begin / "tokenizer.json").read_bytes())
    else:
        model = new_model(a.seed)
        words = tokenizer.train(scenes, a.seed, a.out)
    if a.vision:
        model.load_state_dict(torch.load(a.vision), strict=False)
    if a.minutes == 0:
        checkpoint.save(model, a.out)
        return
    compile_layers(model)
    per_batch = round(a.rows * 1.1)
    supply: queue.Queue = queue.Queue(4)
    batches = Batches(words, scenes, mirrored, a.rows, per_batch, a.talk, a.seed)

    # the first lesson goes on beside the second, so that the eyes stay sharp
    reader = Reader(model.config.text_config.hidden_size)
    plain, turned = targets(scenes), targets(mirrored)
    facts = {k: torch.from_numpy(np.concatenate([plain[k], turned[k]])) for k in plain}

    def prepare():
        while True:
            b = batches.next()
            x = torch.from_numpy(pictures[b["which"]])
            flips = torch.from_numpy(b["flips"])
            x[flips] = x[flips].flip(2)
            both = np.where(b["flips"], b["which"] + len(scenes), b["which"])
            supply.put((b, x, {k: v[both] for k, v in facts.items()}))

    threading.Thread(target=prepare, daemon=True).start()
    is_eye = lambda n: "vision_tower" in n or "projector" in n
    text = Both([(n, p) for n, p in model.named_parameters() if not is_eye(n)] + [("embed." + n, p) for n, p in reader.named_parameters()], 4e-3 * a.rate, 2e-3 * a.rate)
    eyes = Both([(n, p) for n, p in model.named_parameters() if is_eye(n)], 1e-3 * a.rate, 5e-4 * a.rate)
    budget, step, start, saved, running, right = a.minutes * 60, 0, time.time(), 0.0, 0.0, 0.0
    while (elapsed := time.time() - start) < budget and step < a.steps:
        b, x, t = supply.get()
        with torch.autocast("cpu", torch.bfloat16):
            features = picture_features(model, normalised(x))
            hidden = hidden_states(model, b, None, features)
            logits, want = next_token_logits(model, b, hidden)
            seen = reader(features, t)
        loss = F.cross_entropy(logits.float(), want)
        (loss + a.look * seen).backward()
        scale = schedule(elapsed / budget)
        text.step(scale)
        eyes.step(scale)
        step += 1
        k = 0.02 if step > 50 else 1 / step
        running += k * (loss.item() - running)
        right += k * ((logits.argmax(-1) == want).float().mean().item() - right)
        if step in (3, 10, 30) or step % 100 == 0:
            print(f"{elapsed:6.0f} s step {step} loss {running:.4f} right tokens {right:.4f} rate {scale:.3f} {step * b['ids'].size / (time.time() - start):.0f} tokens/s", flush=True)
        if time.time() - saved > 240 or time.time() - start >= budget:
            checkpoint.save(model, a.out)
            saved = time.time()
    checkpoint.save(model, a.out)
    print("done", step, "steps", flush=True)


if __name__ == "__main__":
    main()
