"""A second painter for evaluation only, written apart from the first: shapes as formulas, sampled finely.

Its colours, sizes, layouts and backgrounds are its own, so that the scores say something about
pictures that another program drew.
"""

import numpy as np
from PIL import Image

from .scenes import HELD_OUT_PAIRS, SIDE, Scene, Thing

PAINTS = {
    "red": ["#ff0000", "#e53e3e", "#d32f2f", "#cc0000", "#f44336"],
    "orange": ["#ffa500", "#ff8800", "#ed8936", "#fb8c00"],
    "yellow": ["#ffff00", "#ffd700", "#ecc94b", "#fdd835"],
    "green": ["#008000", "#00ff00", "#38a169", "#2e7d32", "#4caf50"],
    "cyan": ["#00ffff", "#40e0d0", "#00bcd4"],
    "blue": ["#0000ff", "#3182ce", "#1976d2", "#4169e1", "#2b6cb0"],
    "purple": ["#800080", "#805ad5", "#9c27b0", "#6a0dad"],
    "pink": ["#ffc0cb", "#ff69b4", "#ed64a6", "#f48fb1"],
    "brown": ["#a52a2a", "#8b4513", "#795548", "#7b3f00"],
    "black": ["#000000", "#1a202c", "#111111"],
    "white": ["#ffffff"],
    "grey": ["#808080", "#9e9e9e", "#a0aec0", "#777777"],
}
GROUNDS = [("white", "#ffffff")] * 10 + [("white", "#fafafa"), (None, "#f7fafc"), (None, "#fffde7"), (None, "#e3f2fd"), ("grey", "#d3d3d3"), ("grey", "#cbd5e0"), ("black", "#000000"), ("black", "#0d0d0d"), ("blue", "#2a4365"), ("blue", "#0000ff"), ("green", "#22543d"), ("yellow", "#ffff66"), ("pink", "#ffc0cb"), ("purple", "#800080"), ("red", "#ee1111")]


def _rgb(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], float)


def _inside(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points are inside a shape that fills -1..1 (y points up)."""
    if shape in ("circle", "oval"):
        return x * x + y * y < 1
    if shape in ("square", "rectangle"):
        return (abs(x) < 1) & (abs(y) < 1)
    if shape == "triangle":
        return (y > -1) & (y < 1 - 2 * abs(x))
    if shape == "diamond":
        return abs(x) + abs(y) < 1
    if shape == "cross":
        return ((abs(x) < 0.3) & (abs(y) < 1)) | ((abs(y) < 0.3) & (abs(x) < 1))
    if shape == "hexagon":
        return (abs(y) < 0.866) & (abs(x) * 0.866 + abs(y) * 0.5 < 0.866)
    if shape == "heart":
        u, v = x * 1.14, y * 1.15 + 0.12
        return (u * u + v * v - 1) ** 3 - u * u * v**3 < 0
    angle = np.arctan2(x, y) % (2 * np.pi / 5)
    angle = np.minimum(angle, 2 * np.pi / 5 - angle)
    inner, tip = 0.42, np.pi / 5
    # the straight edge from the tip (radius 1, angle 0) to the notch (radius inner, angle tip)
    r = np.hypot(x, y)
    px, py = r * np.cos(angle), r * np.sin(angle)
    nx, ny = inner * np.sin(tip), 1 - inner * np.cos(tip)
    return (px - 1) * nx + py * ny < 0


def scene_and_picture(rng: np.random.Generator, held_out: bool) -> tuple[Scene, np.ndarray]:
    n = int(rng.choice([1, 2, 3, 4, 5], p=[0.2, 0.3, 0.3, 0.12, 0.08]))
    ground, code = GROUNDS[rng.integers(len(GROUNDS))]
    width = int(rng.choice([200, 256, 320, 400, 512]))
    height = width if rng.random() < 0.75 else int(width * rng.choice([0.75, 0.8, 1.25]))
    back = _rgb(code)
    shapes = ["circle", "square", "triangle", "rectangle", "star"] * 3 + ["heart", "diamond", "hexagon", "cross", "oval"]
    things: list[Thing] = []
    scale = 2
    canvas = np.broadcast_to(back, (height * scale, width * scale, 3)).copy()
    ys, xs = np.mgrid[0 : height * scale, 0 : width * scale]
    xs, ys = (xs + 0.5) / (width * scale), (ys + 0.5) / (height * scale)
    for _ in range(60):
        if len(things) == n:
            break
        shape, colour = shapes[rng.integers(len(shapes))], list(PAINTS)[rng.integers(12)]
        if held_out and not things:
            colour, shape = sorted(HELD_OUT_PAIRS)[rng.integers(len(HELD_OUT_PAIRS))]
        elif ((colour, shape) in HELD_OUT_PAIRS) != held_out and not things or (colour, shape) in HELD_OUT_PAIRS and not held_out:
            continue
        paint = _rgb(PAINTS[colour][rng.integers(len(PAINTS[colour]))])
        if colour == ground or abs(paint - back).sum() < 140:
            continue
        side = rng.uniform(0.13, {1: 0.55, 2: 0.4, 3: 0.32, 4: 0.28, 5: 0.24}[n]) * min(width, height)
        w = h = side
        if shape in ("rectangle", "oval"):
            w, h = (side, side / rng.uniform(1.6, 2.2)) if rng.random() < 0.6 else (side / rng.uniform(1.6, 2.2), side)
        elif shape == "diamond":
            w = side * rng.uniform(0.7, 1)
        w, h = w / width, h / height
        if shape in ("rectangle", "oval") and not max(w / h, h / w) >= 1.5:
            continue
        x, y = rng.uniform(w / 2 + 0.02, 0.98 - w / 2), rng.uniform(h / 2 + 0.02, 0.98 - h / 2)
        if any(abs(x - t.x) < (w + t.points[0]) / 2 + 0.015 and abs(y - t.y) < (h + t.points[1]) / 2 + 0.015 for t in things):
            continue
        canvas[_inside(shape, (xs - x) / (w / 2), (y - ys) / (h / 2))] = paint
        things.append(Thing(shape, colour, x, y, (w + h) / 2, [w, h]))
    if not things:
        return scene_and_picture(rng, held_out)
    soft = rng.random() < 0.75
    picture = canvas.reshape(height, scale, width, scale, 3).mean((1, 3)) if soft else canvas[::scale, ::scale]
    if rng.random() < 0.1:
        picture = picture + rng.normal(0, 6, picture.shape)
    image = Image.fromarray(np.clip(picture, 0, 255).round().astype(np.uint8))
    return Scene(things, ground), np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


