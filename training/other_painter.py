"""A second painter for evaluation only, written apart from the first: shapes as formulas, sampled finely.

Its colours, sizes, layouts and backgrounds are its own, so that the scores say something about
pictures that another program drew.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

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


def _page(rng: np.random.Generator, image: Image.Image) -> None:
    """Lines of words; Pillow's own font, which training never uses."""
    draw, size = ImageDraw.Draw(image), int(rng.integers(9, 26))
    ink = tuple(int(v) for v in rng.integers(0, 110, 3))
    for y in range(int(rng.integers(4, 30)), image.height - size, int(size * rng.uniform(1.2, 2))):
        line = " ".join("".join(rng.choice(list("etaoinshrdlucmfw"), rng.integers(1, 9))) for _ in range(rng.integers(2, 12)))
        draw.text((12, y), line, fill=ink, font=ImageFont.load_default(size))


def _big_letters(rng: np.random.Generator, image: Image.Image) -> None:
    text = str(rng.choice(["ABC", "Zoé", "8 + 5 =", "y = 2x", "Menu", "42", "R", "g", "?", "Salut!", "NO", "1, 2, 3", "√16", "Q"]))
    size = int(min(image.height * 0.7, 1.4 * image.width / len(text)) * rng.uniform(0.6, 1))
    ImageDraw.Draw(image).text((image.width * rng.uniform(0.03, 0.2), image.height * rng.uniform(0, 0.25)), text, fill=tuple(int(v) for v in rng.integers(0, 150, 3)), font=ImageFont.load_default(size))


def _bars(rng: np.random.Generator, image: Image.Image) -> None:
    draw, (w, h) = ImageDraw.Draw(image), image.size
    paints = [_rgb(p[0]).astype(int).tolist() for p in PAINTS.values()]
    n, across = int(rng.integers(3, 11)), rng.random() < 0.5
    for i in range(n):
        long, paint = rng.uniform(0.1, 0.8), tuple(paints[0 if i % 2 else rng.integers(12)])
        a, b = (i + 0.2) / n, (i + 0.85) / n
        draw.rectangle([0.1 * w, a * h, (0.1 + long) * w, b * h] if across else [(0.1 + 0.88 * a) * w, (0.9 - long) * h, (0.1 + 0.88 * b) * w, 0.9 * h], fill=paint)
    draw.line([0.1 * w, 0, 0.1 * w, 0.9 * h, w, 0.9 * h], fill=(0, 0, 0), width=2)
    for i in range(5):
        draw.text((2, h * (0.1 + 0.17 * i)), str(100 - 20 * i), fill=(60, 60, 60), font=ImageFont.load_default(10))


def _curves(rng: np.random.Generator, image: Image.Image) -> None:
    draw, (w, h) = ImageDraw.Draw(image), image.size
    x = np.linspace(0, 1, 120)
    for _ in range(int(rng.integers(1, 4))):
        y = 0.5 + 0.35 * np.sin(rng.uniform(3, 25) * x + rng.uniform(0, 6)) * np.exp(-rng.uniform(0, 2) * x)
        draw.line([(0.08 * w + 0.9 * w * a, h * b) for a, b in zip(x, y)], fill=tuple(int(v) for v in rng.integers(0, 220, 3)), width=int(rng.integers(1, 4)))
    draw.rectangle([0.08 * w, 0.05 * h, 0.98 * w, 0.93 * h], outline=(0, 0, 0))


def _window(rng: np.random.Generator, image: Image.Image) -> None:
    """A desktop with a window, its menus, buttons and lines of text."""
    draw, (w, h), font = ImageDraw.Draw(image), image.size, ImageFont.load_default(10)
    image.paste(tuple(int(v) for v in rng.integers(20, 160, 3)), (0, 0, w, h))
    x0, y0, x1, y1 = (int(v) for v in (w * rng.uniform(0, 0.15), h * rng.uniform(0, 0.15), w * rng.uniform(0.85, 1), h * rng.uniform(0.85, 1)))
    draw.rectangle([x0, y0, x1, y1], fill=(240, 240, 242))
    draw.rectangle([x0, y0, x1, y0 + 16], fill=tuple(int(v) for v in rng.integers(30, 140, 3)))
    draw.text((x0 + 5, y0 + 2), "File  Edit  View  Help", fill=(255, 255, 255), font=font)
    for y in range(y0 + 24, y1 - 30, int(rng.integers(13, 22))):
        kind = rng.random()
        if kind < 0.3:
            draw.rectangle([x0 + 10, y, x0 + 18, y + 8], outline=(60, 60, 60))
        draw.rectangle([x0 + 24, y + 2, x0 + 24 + (x1 - x0 - 40) * rng.uniform(0.2, 0.95), y + 6], fill=(120, 120, 125) if kind < 0.8 else (60, 120, 220))
    for i, word in enumerate(("Cancel", "Save")):
        draw.rectangle([x1 - 60 * (i + 1), y1 - 22, x1 - 60 * i - 8, y1 - 6], outline=(90, 90, 90), fill=(225, 225, 230))
        draw.text((x1 - 60 * (i + 1) + 6, y1 - 20), word, fill=(20, 20, 20), font=font)


def _sheet(rng: np.random.Generator, image: Image.Image) -> None:
    draw, (w, h) = ImageDraw.Draw(image), image.size
    dx, dy = int(rng.integers(28, 70)), int(rng.integers(12, 24))
    for x in range(0, w, dx):
        draw.line([x, 0, x, h], fill=(190, 190, 190))
    for y in range(0, h, dy):
        draw.line([0, y, w, y], fill=(190, 190, 190))
        for x in range(4, w, dx):
            if rng.random() < 0.7:
                draw.text((x, y + 1), str(int(rng.integers(0, 999))), fill=(30, 30, 30), font=ImageFont.load_default(9))


def _sketch(rng: np.random.Generator, image: Image.Image) -> None:
    """A pencil's face, boat or mountains, of wavering arcs."""
    draw, (w, h) = ImageDraw.Draw(image), image.size
    ink, wide = tuple(int(v) for v in rng.integers(0, 120, 3)), int(rng.integers(1, 5))

    def arc(x, y, rx, ry, a, b):
        t = np.linspace(a, b, 40)
        r = 1 + 0.05 * np.sin(5 * t + rng.uniform(0, 6)) + rng.normal(0, 0.01, 40)
        draw.line([(w * (x + rx * k * np.cos(u)), h * (y + ry * k * np.sin(u))) for u, k in zip(t, r)], fill=ink, width=wide)

    kind = rng.integers(3)
    x, y, s = rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.34)
    if kind == 0:
        arc(x, y, s, 1.2 * s, 0, 6.4)
        for d in (-0.4, 0.4):
            arc(x + d * s, y - 0.3 * s, 0.15 * s, 0.1 * s, 0, 6.3)
            arc(x + 1.1 * d * s, y - 0.5 * s, 0.25 * s, 0.1 * s, 3.4, 6)
        arc(x, y + 0.4 * s, 0.5 * s, 0.25 * s, 0.2, 2.9)
        for _ in range(12):
            arc(x + rng.uniform(-s, s), y - 1.1 * s, 0.2 * s, 0.5 * s, rng.uniform(2, 4), rng.uniform(4, 6))
    elif kind == 1:
        arc(x, y, s, 0.6 * s, 0, 3.14)
        draw.line([(w * (x - s), h * y), (w * (x + s), h * y), (w * x, h * y), (w * x, h * (y - 1.4 * s)), (w * (x + 0.8 * s), h * (y - 0.2 * s)), (w * x, h * (y - 0.2 * s))], fill=ink, width=wide)
        for i in range(5):
            arc(0.1 + 0.2 * i, y + 0.8 * s, 0.1, 0.04, 3.2, 6.2)
    else:
        p = [(0, 0.7)] + [(0.1 * i + 0.05, rng.uniform(0.2, 0.75)) for i in range(10)] + [(1, 0.7)]
        draw.line([(w * a, h * b) for a, b in p], fill=ink, width=wide, joint="curve")
        arc(0.8, 0.18, 0.08, 0.08, 0, 6.3)
        for i in range(8):
            arc(rng.uniform(0, 1), 0.85, 0.03, 0.08, 3, 6.3)


def _field(rng: np.random.Generator, image: Image.Image) -> None:
    """A fractal, a ramp, interference or static."""
    y, x = np.mgrid[0:160, 0:160] / 160
    kind = rng.integers(4)
    if kind == 0:
        c, z, t = (x * 3 - 2.2 + rng.uniform(0, 0.5)) + 1j * (y * 2.4 - 1.2), 0, np.zeros((160, 160))
        for _ in range(24):
            z = np.where(abs(z) < 3, z * z + c, z) if not np.isscalar(z) else c
            t += abs(z) < 3
        t /= 24
    elif kind == 1:
        t = (x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) ** 2
    elif kind == 2:
        t = np.sin(40 * np.hypot(x - rng.random(), y - rng.random())) + np.sin(40 * np.hypot(x - rng.random(), y - rng.random()))
    else:
        t = rng.random((160, 160))
    t = (t - t.min()) / (np.ptp(t) + 1e-9)
    a, b = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    image.paste(Image.fromarray((a + (b - a) * t[..., None]).astype(np.uint8)).resize(image.size))


def unknown_picture(rng: np.random.Generator, photos: list[Path]) -> np.ndarray:
    """A picture of anything but simple shapes; half of them photographs or drawings where there are any."""
    if photos and rng.random() < 0.5:
        image = Image.open(photos[rng.integers(len(photos))]).convert("RGBA")
        sheet = Image.new("RGB", image.size, "white")
        sheet.paste(image, (0, 0), image)
        image = sheet
    else:
        image = Image.new("RGB", [(300, 200), (240, 240), (200, 320), (400, 300)][rng.integers(4)], tuple(int(v) for v in rng.integers(232, 256, 3)))
        (_page, _big_letters, _bars, _curves, _window, _sheet, _sketch, _field)[rng.integers(8)](rng, image)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
