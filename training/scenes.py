"""Scenes: a few shapes on a background, and a painter (Pillow) that draws them.

A scene is plain data, so that questions can be asked about it without looking at the picture:
positions and sizes are fractions of the picture's side, measured after the picture was squashed
to a square as the model sees it.
"""

import argparse
import io
import math
import multiprocessing
import pickle
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import unknown
from .palette import COLOURS, PALE, shade

SIDE = 140  # the picture's side as the vision tower sees it
SHAPES = ["circle", "square", "triangle", "rectangle", "star", "heart", "diamond", "hexagon", "cross", "oval"]
SHAPE_WEIGHTS = np.array([19, 16, 15, 12, 12, 10, 7, 7, 6, 8]) / 112
COLOUR_WEIGHTS = np.array([14, 10, 11, 13, 6, 14, 9, 8, 7, 7, 4, 6]) / 109

# Never drawn for training, only for evaluation.
HELD_OUT_PAIRS = {("purple", "star"), ("orange", "heart"), ("cyan", "triangle"), ("brown", "circle"), ("pink", "square"), ("grey", "cross")}


@dataclass
class Thing:
    shape: str
    colour: str
    x: float
    y: float
    size: float  # the mean of width and height
    points: list = field(default=None, repr=False)  # outline, in fractions of the side
    hollow: bool = False


@dataclass
class Scene:
    things: list[Thing]
    background: str | None  # None: a background that nobody would name
    # A scene without things stands for a picture of anything but shapes.

    def mirrored(self) -> "Scene":
        return Scene([replace(t, x=1 - t.x) for t in self.things], self.background)


def _regular(n: int, start: float) -> np.ndarray:
    angle = start + 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def _bezier(a, b, c, d) -> np.ndarray:
    t = np.linspace(0, 1, 14)[:, None]
    a, b, c, d = (np.asarray(v, float) for v in (a, b, c, d))
    return (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t * t * (1 - t) * c + t**3 * d


def outline(shape: str, rng: np.random.Generator) -> np.ndarray:
    """The shape's corners around (0, 0), about 2 units across, y pointing down."""
    tilt = rng.normal(0, 5) if rng.random() < 0.5 else 0.0
    if shape == "circle":
        p, tilt = _regular(48, 0), 0
    elif shape == "oval":
        p = _regular(48, 0) * [1, 1 / rng.uniform(1.33, 2.5)]
        tilt += 90 if rng.random() < 0.4 else 0
    elif shape == "square":
        p = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.9
    elif shape == "rectangle":
        p = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [1, 1 / (rng.uniform(1.33, 2.7) if rng.random() < 0.92 else rng.uniform(2.7, 4))]
        tilt += 90 if rng.random() < 0.35 else 0
    elif shape == "triangle":
        kind = rng.random()
        if kind < 0.65:
            p = np.array([[0, -1], [rng.uniform(0.8, 1.1) if rng.random() < 0.75 else rng.uniform(0.5, 1.6), 0.85], [-1, 0.85]])
            p[2, 0] = -p[1, 0]
        elif kind < 0.8:
            p = np.array([[-0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]])
        else:
            p = _regular(3, rng.uniform(0, 2 * np.pi))
        if rng.random() < 0.12:
            tilt += 180
    elif shape == "star":
        n = int(rng.choice([5, 6, 4, 8], p=[0.84, 0.1, 0.04, 0.02]))
        r = np.tile([1, rng.uniform(0.36, 0.52) + (0.1 if n > 5 and rng.random() < 0.5 else 0)], n)
        p = _regular(2 * n, -np.pi / 2) * r[:, None]
        tilt *= 2
    elif shape == "heart":
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        p = np.stack([16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))], 1) / 16
        kind = rng.random()
        if kind < 0.35:  # two Bézier curves a side, as drawing programs do, with a notch of any depth
            notch, lobe, belly = rng.uniform(0.2, 0.65), rng.uniform(0.1, 0.45), rng.uniform(0.15, 0.5)
            top = _bezier((0, -notch), (lobe, -1.15), (1.1, -1.05), (1, rng.uniform(-0.4, -0.1)))
            side = _bezier(top[-1], (0.95, belly), (0.35, 0.6), (0, 1))
            half = np.concatenate([top[:-1], side])
            p = np.concatenate([half, half[-2:0:-1] * [-1, 1]])
        elif kind < 0.6:  # two discs and a triangle
            a = np.linspace(np.pi, 2 * np.pi, 14)
            disc = np.stack([0.5 * np.cos(a), 0.5 * np.sin(a)], 1)
            p = np.concatenate([disc + [-0.5, -0.3], disc + [0.5, -0.3], [[0.93, 0.02], [0, 1], [-0.93, 0.02]]])
        p = p * [rng.uniform(0.88, 1.15), 1]
    elif shape == "diamond":
        p = np.array([[0, -1], [rng.uniform(0.55, 1), 0], [0, 1], [-1, 0]])
        p[3, 0] = -p[1, 0]
        tilt += 90 if rng.random() < 0.3 else 0
    elif shape == "hexagon":
        p = _regular(6, 0 if rng.random() < 0.6 else np.pi / 6)
    elif shape == "cross":
        a = rng.uniform(0.22, 0.38) if rng.random() < 0.8 else rng.uniform(0.15, 0.42)
        p = np.array([[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]])
        tilt += 45 if rng.random() < 0.3 else 0
    else:
        raise ValueError(shape)
    t = math.radians(tilt)
    return np.asarray(p, float) @ np.array([[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]])


def _aspect_is_clear(shape: str, points: np.ndarray) -> bool:
    """After squashing, a circle must not pass for an oval nor a rectangle for a square.

    Most pictures that are not square are wider than high (4:3), and squashing makes their squares
    tall: what is a little too tall may still be a square, what is a little too wide is none.
    """
    width, height = np.ptp(points, 0)
    aspect = max(width, height) / min(width, height)
    if shape in ("circle", "square"):
        return aspect <= (1.27 if width > height else 1.4)
    if shape in ("rectangle", "oval"):
        return aspect >= (1.33 if width > height else 1.48)
    return aspect <= 2


def _spots(n: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Where shapes would stand in a tidy picture: a row, a column, a grid, a single one in the middle."""
    kind = rng.random()
    j = lambda s=0.02: rng.normal(0, s)
    if n == 1:
        grid = [0.2, 0.5, 0.8]
        return [(0.5 + j(), 0.5 + j())] if kind < 0.4 else [(grid[rng.integers(3)] + j(0.03), grid[rng.integers(3)] + j(0.03))]
    if kind < 0.5:
        line = rng.choice([0.5, 0.5, 0.5, 0.25, 0.75])
        spots = [((i + 0.5) / n + j(), line + j()) for i in range(n)]
        return spots if kind < 0.33 else [(b, a) for a, b in spots]
    if n == 2 and kind < 0.6:
        return [(0.27 + j(), 0.27 + j()), (0.73 + j(), 0.73 + j())]
    m = 2 if n <= 4 and rng.random() < 0.5 else 3
    cells = rng.permutation(m * m)[:n]
    return [((c % m + 0.5) / m + j(0.025), (c // m + 0.5) / m + j(0.025)) for c in cells]


def new_scene(rng: np.random.Generator, held_out: bool = False) -> Scene:
    """A random scene. With held_out every scene has at least one pair of HELD_OUT_PAIRS, else none has."""
    n = int(rng.choice([1, 2, 3, 4, 5], p=[0.17, 0.27, 0.27, 0.17, 0.12]))
    squash = 1.0 if rng.random() < 0.65 else math.exp(rng.uniform(-0.24, 0.34))  # width over height
    b = rng.random()
    if b < 0.48:
        background = "white"
    elif b < 0.62:
        background = None
    else:
        background = COLOURS[rng.choice(12, p=COLOUR_WEIGHTS)] if b < 0.88 else ["black", "grey", "black", "white"][rng.integers(4)]
    same_shape = n > 1 and rng.random() < 0.22
    same_colour = n > 1 and not same_shape and rng.random() < 0.15
    shape0 = SHAPES[rng.choice(10, p=SHAPE_WEIGHTS)]
    colour0 = COLOURS[rng.choice(12, p=COLOUR_WEIGHTS)]
    tidy = rng.random() < 0.42
    spots = _spots(n, rng) if tidy else None
    top = {1: 0.62, 2: 0.45, 3: 0.38, 4: 0.33, 5: 0.28}[n]
    even = rng.uniform(0.14, min(top, 0.8 / n if tidy else top)) if rng.random() < 0.4 else None
    pairs = sorted(HELD_OUT_PAIRS)
    things: list[Thing] = []
    for i in range(n):
        for _ in range(30):
            shape = shape0 if same_shape and rng.random() < 0.75 else SHAPES[rng.choice(10, p=SHAPE_WEIGHTS)]
            colour = colour0 if same_colour and rng.random() < 0.75 else COLOURS[rng.choice(12, p=COLOUR_WEIGHTS)]
            if held_out and i == 0:
                colour, shape = pairs[rng.integers(len(pairs))]
            elif (colour, shape) in HELD_OUT_PAIRS and not held_out:
                continue
            if colour == background or (background is None and colour == "white") or {colour, background} in ({"pink", "white"}, {"purple", "black"}, {"brown", "black"}, {"brown", "grey"}) and rng.random() < 0.5:
                continue
            p = outline(shape, rng) * [1 / math.sqrt(squash), math.sqrt(squash)]
            if not _aspect_is_clear(shape, p):
                continue
            size = even * rng.uniform(0.95, 1.05) if even else math.exp(rng.uniform(math.log(0.12), math.log(top)))
            p = p * size / np.ptp(p, 0).mean()
            lo, hi = p.min(0), p.max(0)
            if spots:
                x, y = np.array(spots[i]) - (lo + hi) / 2
            else:
                x, y = rng.uniform(-lo + 0.01, np.maximum(1 - hi - 0.01, -lo + 0.02))
            lo, hi = lo + (x, y), hi + (x, y)
            if (lo < -0.01).any() or (hi > 1.01).any():
                continue
            cx, cy = (lo + hi) / 2
            reach = 0.5 * max(hi - lo)
            if any(max(abs(cx - t.x), abs(cy - t.y)) < reach + 0.5 * t.size * 1.1 + 0.01 for t in things):
                continue
            things.append(Thing(shape, colour, float(cx), float(cy), float((hi - lo).mean()), (p + (x, y)).tolist(), rng.random() < 0.06))
            break
    if not things:
        return new_scene(rng, held_out)
    return Scene(things, background)


def _far(a, b) -> bool:
    return np.abs(np.subtract(a, b)).sum() > 130


def paint(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The scene as a picture [SIDE, SIDE, 3] of bytes."""
    w = int(rng.integers(120, 420))
    back = shade(scene.background, rng) if scene.background else PALE[rng.integers(len(PALE))]
    if scene.background == "white" and rng.random() < 0.7:
        back = (255, 255, 255)
    if scene.background == "grey" and rng.random() < 0.4:
        back = (int(rng.integers(190, 218)),) * 3
    image = Image.new("RGB", (w, w), back)
    if rng.random() < 0.1:  # a gradient, from one shade of the background to a near one
        other = np.clip(np.array(back) + rng.integers(-28, 29), 0, 255)
        ramp = np.linspace(0, 1, w)[:, None, None]
        field_ = np.broadcast_to(np.array(back) * (1 - ramp) + other * ramp, (w, w, 3))
        image = Image.fromarray((field_ if rng.random() < 0.5 else field_.transpose(1, 0, 2)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    bordered = rng.random() < 0.14
    for t in scene.things:
        for _ in range(20):
            colour = shade(t.colour, rng)
            if _far(colour, back):
                break
        points = [(a * w, b * w) for a, b in t.points]
        line = max(2, int(t.size * w * rng.uniform(0.05, 0.11)))
        if t.hollow and t.size > 0.18:
            draw.line(points + points[:2], fill=colour, width=line + 1, joint="curve")
            continue
        draw.polygon(points, fill=colour)
        if bordered:
            edge = (0, 0, 0) if rng.random() < 0.7 else tuple(int(c * 0.6) for c in colour)
            draw.line(points + points[:2], fill=edge, width=max(1, line // 2), joint="curve")
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.004 * w)))
    if rng.random() < 0.2:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=int(rng.integers(35, 95)))
        image = Image.open(data).convert("RGB")
    picture = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    if rng.random() < 0.14:
        noise = rng.normal(0, rng.uniform(2, 14), (SIDE, SIDE, 1 if rng.random() < 0.5 else 3))
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return picture


UNKNOWN_SHARE = 0.2  # of all pictures


def _paint_part(job):
    path, start, count, seed, photos = job
    pictures = np.lib.format.open_memmap(path, "r+")
    rng = np.random.default_rng([seed, start])
    scenes = []
    for i in range(start, start + count):
        if rng.random() < UNKNOWN_SHARE:
            scene = Scene([], None)
            pictures[i] = unknown.paint(random.Random(int(rng.integers(1 << 60))), photos, SIDE)
        else:
            scene = new_scene(rng)
            pictures[i] = paint(scene, rng)
        for t in scene.things:
            t.points = None
        scenes.append(scene)
    return scenes


def paint_all(folder: Path, count: int, seed: int, processes: int, photos: str) -> None:
    """Writes pictures.npy and scenes.pickle; the training reads them again and again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pictures.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (count, SIDE, SIDE, 3)).flush()
    part = 500
    jobs = [(path, s, min(part, count - s), seed, photos) for s in range(0, count, part)]
    with multiprocessing.Pool(processes) as pool:
        scenes = [s for part_ in pool.imap(_paint_part, jobs) for s in part_]
    (folder / "scenes.pickle").write_bytes(pickle.dumps(scenes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--photos", default="", help="folder written by training.unknown")
    a = parser.parse_args()
    from training.scenes import paint_all  # so that what is saved names its classes by their real module

    paint_all(a.folder, a.count, a.seed, a.processes, a.photos)
