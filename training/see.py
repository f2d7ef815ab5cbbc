"""First lesson: the vision tower alone learns what stands where.

A head that is thrown away afterwards reads, from each of the picture's tokens: does a shape's
centre lie here, which colour, shape, size and place (absolute, and one of nine regions) has it,
how many shapes are there, what is the background. It reads them with one matrix from the
projector's output, so that the text model finds them there just as directly.
"""

import argparse
import pickle
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .model import PICTURE_TOKENS, compile_layers, new_model, normalised, picture_features
from .optimizer import Both, schedule
from .palette import COLOURS
from .scenes import SHAPES, Scene

GRID = int(PICTURE_TOKENS**0.5)
BINS = 15  # of x and of y


def region(x: float, y: float) -> int:
    return 3 * min(2, int(y * 3)) + min(2, int(x * 3))


def targets(scenes: list[Scene]) -> dict[str, np.ndarray]:
    """For each scene and token: class numbers (-1 where there is nothing to tell)."""
    n, cells = len(scenes), GRID * GRID
    out = {k: np.full((n, cells), -1, np.int64) for k in ("colour", "shape", "region", "xbin", "ybin", "biggest", "smallest")}
    out["here"] = np.zeros((n, cells), np.int64)
    out["count"] = np.zeros((n, cells), np.int64)
    out["background"] = np.zeros((n, cells), np.int64)
    out["numbers"] = np.zeros((n, cells, 3), np.float32)
    for i, s in enumerate(scenes):
        sizes = sorted(t.size for t in s.things)
        out["count"][i] = len(s.things)
        out["background"][i] = COLOURS.index(s.background) + 1 if s.background else 0
        for t in s.things:
            c = GRID * min(GRID - 1, int(t.y * GRID)) + min(GRID - 1, int(t.x * GRID))
            out["here"][i, c] = 1
            out["colour"][i, c] = COLOURS.index(t.colour)
            out["shape"][i, c] = SHAPES.index(t.shape)
            out["region"][i, c] = region(t.x, t.y)
            out["xbin"][i, c] = min(BINS - 1, int(t.x * BINS))
            out["ybin"][i, c] = min(BINS - 1, int(t.y * BINS))
            if len(sizes) > 1:
                out["biggest"][i, c] = t.size == sizes[-1]
                out["smallest"][i, c] = t.size == sizes[0]
            out["numbers"][i, c] = (4 * t.x - 2, 4 * t.y - 2, 2 * np.log(t.size / 0.25))
    return out


CLASSES = {"here": 2, "colour": len(COLOURS), "shape": len(SHAPES), "region": 9, "xbin": BINS, "ybin": BINS, "biggest": 2, "smallest": 2, "count": 6, "background": len(COLOURS) + 1}


class Reader(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.heads = nn.ModuleDict({k: nn.Linear(hidden, n) for k, n in CLASSES.items()})
        self.numbers = nn.Linear(hidden, 3)

    def forward(self, features: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        loss = 0.0
        for name, head in self.heads.items():
            weight = 0.3 if name in ("biggest", "smallest", "count", "background") else 2.0 if name == "here" else 1.0
            told = (t[name] >= 0).sum().clamp(min=1)
            loss = loss + weight * F.cross_entropy(head(features).flatten(0, 1).float(), t[name].flatten(), ignore_index=-1, reduction="sum") / told
        present = t["here"].bool()
        return loss + F.mse_loss(self.numbers(features)[present].float(), t["numbers"][present])

    @torch.no_grad()
    def scores(self, features, t) -> dict[str, float]:
        out = {}
        for name, head in self.heads.items():
            want = t[name].flatten()
            got = head(features).flatten(0, 1).argmax(-1)
            out[name] = (got == want)[want >= 0].float().mean().item()
        present = t["here"].bool()
        out["xy error"] = (self.numbers(features)[present] - t["numbers"][present])[:, :2].abs().mean().item() / 4
        right = (self.heads["here"](features).argmax(-1) == t["here"]).all(1)
        for k in ("colour", "shape"):
            right &= ((self.heads[k](features).argmax(-1) == t[k]) | (t[k] < 0)).all(1)
        out["all right"] = right.float().mean().item()
        return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=18)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=3)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    pictures = np.load(a.scenes / "pictures.npy", mmap_mode="r")
    scenes = pickle.loads((a.scenes / "scenes.pickle").read_bytes())
    kept = 512  # the last ones are only looked at
    plain = {k: torch.from_numpy(v) for k, v in targets(scenes).items()}
    mirrored = {k: torch.from_numpy(v) for k, v in targets([s.mirrored() for s in scenes]).items()}

    model = new_model(a.seed)
    compile_layers(model)
    reader = Reader(model.config.text_config.hidden_size)
    used = [(n, p) for n, p in model.named_parameters() if "vision_tower" in n or "projector" in n]
    optimizer = Both(used + [("embed." + n, p) for n, p in reader.named_parameters()], 4e-3, 2e-3)

    def batch(index, flip):
        x = torch.from_numpy(pictures[index])
        if flip:
            x = x.flip(2)
        t = {k: v[index] for k, v in (mirrored if flip else plain).items()}
        return normalised(x), t

    rng = np.random.default_rng(a.seed)
    start, step, budget = time.time(), 0, a.minutes * 60
    running = 0.0
    order = np.array([], np.int64)
    while (elapsed := time.time() - start) < budget:
        if len(order) < a.batch:
            order = rng.permutation(len(scenes) - kept)
        index, order = np.sort(order[: a.batch]), order[a.batch :]
        pixels, t = batch(index, rng.random() < 0.5)
        with torch.autocast("cpu", torch.bfloat16):
            loss = reader(picture_features(model, pixels), t)
        loss.backward()
        optimizer.step(schedule(elapsed / budget))
        running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
        step += 1
        if step == 10 or step % 200 == 0:
            s = {}
            if step % 400 == 0:
                with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                    parts = []
                    for k in range(0, 4 * a.batch, a.batch):
                        pixels, t = batch(np.arange(len(scenes) - kept + k, len(scenes) - kept + k + a.batch), False)
                        parts.append(reader.scores(picture_features(model, pixels).float(), t))
                s = {k: round(float(np.mean([p[k] for p in parts])), 3) for k in parts[0]}
            print(f"{elapsed:6.0f} s step {step} loss {running:.3f} {step * a.batch / (time.time() - start):.0f} pictures/s {s}", flush=True)
        if step % 1000 == 0 or time.time() - start >= budget:
            state = {n: p.detach() for n, p in used}
            torch.save(state, a.out.with_suffix(".part"))
            a.out.with_suffix(".part").replace(a.out)
    print("done", step, "steps", flush=True)


if __name__ == "__main__":
    main()
