"""Pictures of anything but simple shapes: writing, screens, charts, scribbles, patterns, photographs, drawings.

The model is to say that it does not know such pictures, so all that matters is that they are many and
different. Photographs and drawings come from Debian packages (see README.md); without them, the others
are drawn alone:

    python -m training.unknown FOLDER_OF_UNPACKED_PACKAGES training/work/photos
    python -m training.unknown FOLDER_OF_UNPACKED_PACKAGES training/work/other-photos --other
"""

import argparse
import io
import random
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .outsiders import OUTSIDERS

# Packages whose pictures training sees, and those that only evaluation sees.
PACKAGES = ["tuxpaint-stamps-default", "openclipart-png", "plasma-workspace-wallpapers", "ukui-wallpapers", "lomiri-wallpapers-16.04", "gimp-help-en", "openarena-081-textures", "marble-data", "kgeography-data", "xplanet-images"]
OTHER_PACKAGES = ["mate-backgrounds", "gnome-backgrounds", "lomiri-wallpapers-20.04", "python3-skimage", "python-skimage-doc", "gnome-user-docs"]
# Drawings that may be what the model does know.
_LIKE_SHAPES = ("shape", "star", "heart", "circle", "square", "triangle", "cross", "diamond", "button", "arrow", "ball", "moon", "planet", "symbols", "logos", "signs_and", "decorations", "special", "icons", "dice", "unsorted", "callout", "gradient", "religion", "smile", "face", "stock-", "math", "flags", "roadsigns", "money", "tango")
LONGEST = 640


def shrink_photos(folder: Path, out: Path, packages: list[str]) -> int:
    """Writes one small copy of every picture that is worth looking at."""
    out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    written = 0
    for package in packages:
        for path in sorted((folder / package).rglob("*")):
            name = str(path.relative_to(folder)).lower()
            if path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp", ".tga") or path.is_symlink() or any(w in name for w in _LIKE_SHAPES):
                continue
            try:
                image = Image.open(path)
                if min(image.size) < 90 or max(image.size) > 4 * min(image.size):
                    continue
                image.draft("RGB", (LONGEST, LONGEST))
                image = image.convert("RGBA")
                image.thumbnail((LONGEST, LONGEST))
            except Exception:
                continue
            kind = "drawing" if np.asarray(image)[..., 3].min() < 40 else "photo"
            image.save(out / f"{kind}-{written:05}.webp", quality=80)
            written += 1
    return written


@lru_cache(maxsize=1)
def _photos(folder: str) -> dict[str, list[Path]]:
    paths = sorted(Path(folder).glob("*.webp")) if folder else []
    return {k: [p for p in paths if p.name.startswith(k)] for k in ("photo", "drawing")}


@lru_cache(maxsize=2)
def _fonts(folder: str) -> dict[str, list[str]]:
    """The system's font files by kind (print, mono), and handwriting ones from the folder of photos."""
    found: dict[str, list[str]] = {"print": [], "mono": [], "hand": []}
    for kind, root in (("", "/usr/share/fonts"), ("hand", folder)):
        for path in sorted(Path(root).rglob("*.[to]tf")) if root else []:
            found[kind or ("mono" if "Mono" in path.name else "print")].append(str(path))
    return {k: v or found["print"] for k, v in found.items()}


@lru_cache(maxsize=400)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


_folder = ""  # of photos and fonts, while a picture is painted


def _some_font(rng: random.Random, kind: str, size: int):
    fonts = _fonts(_folder)[kind]
    return _font(rng.choice(fonts), size) if fonts else ImageFont.load_default(size)


_SENTENCES = [q for lists in OUTSIDERS.values() for qs in lists.values() for q in qs]


def _words(rng: random.Random, n: int) -> str:
    text = []
    while len(text) < n:
        text += rng.choice(_SENTENCES).split()
    return " ".join(text[:n])


def _colour(rng: random.Random, low: int = 0, high: int = 255) -> tuple[int, int, int]:
    return tuple(rng.randint(low, high) for _ in range(3))


def _paper(rng: random.Random, w: int, h: int) -> tuple[Image.Image, tuple[int, int, int]]:
    """A blank sheet and an ink that shows on it."""
    if rng.random() < 0.75:
        back, ink = tuple(rng.randint(225, 255) for _ in range(3)) if rng.random() < 0.6 else (255, 255, 255), _colour(rng, 0, 90)
    elif rng.random() < 0.7:
        back, ink = _colour(rng, 0, 60), _colour(rng, 170, 255)
    else:
        back = _colour(rng)
        ink = tuple((v + 128) % 256 for v in back)
    return Image.new("RGB", (w, h), back), ink


def _size(rng: random.Random) -> tuple[int, int]:
    w = rng.choice([160, 240, 320, 400, 480])
    return w, int(w * rng.choice([1, 1, 0.75, 0.6, 1.33]))


def text(rng: random.Random) -> Image.Image:
    """A page, a sign, a few letters or a formula."""
    w, h = _size(rng)
    image, ink = _paper(rng, w, h)
    draw = ImageDraw.Draw(image)
    kind = rng.random()
    if kind < 0.45:  # a page
        size = rng.randint(max(7, w // 32), max(9, w // 12))
        font = _some_font(rng, rng.choice(["print", "print", "mono"]), size)
        x, y, step = rng.randint(2, w // 8), rng.randint(2, h // 8), size * rng.uniform(1.15, 1.8)
        while y < h - size:
            if rng.random() < 0.9:
                draw.text((x, y), _words(rng, rng.randint(2, 14)), fill=ink, font=font)
            y += step
    elif kind < 0.7:  # a few big letters, a sum
        t = rng.choice([_words(rng, 1), _words(rng, 2), rng.choice("ABCDEFGHIJKLMNPQRSTUVWXYZabdefghkmnpqrty23456789&@#?"), str(rng.randint(2, 9999)), f"{rng.randint(1, 99)} + {rng.randint(1, 99)} = ?", f"{rng.randint(2, 12)} × {rng.randint(2, 12)}", "x² + 2x + 1 = 0", "E = mc²", "STOP", "OK", "EXIT", "HELLO", "BONJOUR"])
        if len(t) > 2 and rng.random() < 0.4:
            t = t.upper()
        size = int(min(h * 0.8, 1.5 * w / max(1.6, len(t))) * rng.uniform(0.5, 1))
        font = _some_font(rng, "print", max(10, size))
        box = draw.textbbox((0, 0), t, font=font)
        draw.text(((w - box[2]) * rng.random(), (h - box[3]) * rng.random()), t, fill=ink, font=font)
    else:  # handwriting, on lined paper or none
        if rng.random() < 0.5:
            gap = rng.randint(14, 40)
            for y in range(gap, h, gap):
                draw.line([(0, y), (w, y)], fill=(170, 190, 230) if rng.random() < 0.7 else (200, 200, 200))
            if rng.random() < 0.4:
                for x in range(gap, w, gap):
                    draw.line([(x, 0), (x, h)], fill=(190, 205, 235))
        font = _some_font(rng, "hand", rng.randint(max(12, w // 16), w // 5))
        y = rng.randint(2, h // 6)
        while y < h - 20:
            draw.text((rng.randint(2, w // 8), y), _words(rng, rng.randint(1, 6)), fill=ink if rng.random() < 0.6 else (20, 30, 120), font=font)
            y += font.size * rng.uniform(1.0, 1.6)
            if rng.random() < 0.15:
                break
    if rng.random() < 0.3:
        image = image.rotate(rng.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=image.getpixel((0, 0)))
    return image


def scribble(rng: random.Random) -> Image.Image:
    """Strokes of a pen or a finger: loops, letters that are none, stick figures, houses, doodles."""
    w, h = _size(rng)
    image, ink = _paper(rng, w, h)
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.4:  # strokes that wander
        for _ in range(rng.randint(1, 9)):
            x, y, a = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0, 6.3)
            turn, points = rng.uniform(-0.3, 0.3), []
            for _ in range(rng.randint(15, 160)):
                turn = 0.9 * turn + rng.gauss(0, 0.12)
                a += turn
                x, y = x + 0.03 * w * np.cos(a), y + 0.03 * w * np.sin(a)
                points.append((x, y))
            draw.line(points, fill=ink if rng.random() < 0.6 else _colour(rng), width=rng.randint(1, max(2, w // 40)), joint="curve")
    elif rng.random() < 0.35:  # waves of ink, like handwriting from afar
        for y in range(rng.randint(8, 30), h, rng.randint(14, 50)):
            n, phase = rng.randint(20, 90), rng.uniform(0, 6)
            x = np.linspace(w * 0.05, w * rng.uniform(0.4, 0.95), n)
            up = np.cumsum(np.random.default_rng(rng.randrange(10**9)).normal(0, 1, n))
            points = [(float(a + 5 * np.sin(0.9 * i + phase)), float(y + 6 * np.sin(1.3 * i) + 0.8 * b)) for i, (a, b) in enumerate(zip(x, up))]
            draw.line(points, fill=ink, width=rng.randint(1, 3))
    else:  # a child's drawing, put together from crooked parts
        wobble = lambda v: v + rng.gauss(0, 0.012 * w)
        pen = rng.randint(1, max(2, w // 60))

        def stroke(*points, closed=False, fill=None):
            points = [(wobble(x), wobble(y)) for x, y in points]
            if fill:
                draw.polygon(points, fill=fill)
            draw.line(points + (points[:1] if closed else []), fill=ink, width=pen, joint="curve")

        def blob(x, y, r, fill=None):
            a = np.linspace(0, 2 * np.pi, 14)
            stroke(*[(x + r * np.cos(t), y + r * np.sin(t)) for t in a], fill=fill)

        for _ in range(rng.randint(1, 4)):
            x, y, s = rng.uniform(0.15, 0.85) * w, rng.uniform(0.3, 0.8) * h, rng.uniform(0.08, 0.22) * w
            what = rng.randrange(6)
            paint = (lambda: _colour(rng, 60, 255) if rng.random() < 0.6 else None)
            if what == 0:  # stick figure
                blob(x, y - 1.4 * s, 0.4 * s)
                stroke((x, y - s), (x, y))
                stroke((x - 0.6 * s, y - 0.6 * s), (x, y - 0.8 * s), (x + 0.6 * s, y - 0.6 * s))
                stroke((x - 0.5 * s, y + 0.9 * s), (x, y), (x + 0.5 * s, y + 0.9 * s))
            elif what == 1:  # house
                stroke((x - s, y), (x + s, y), (x + s, y + s), (x - s, y + s), closed=True, fill=paint())
                stroke((x - 1.2 * s, y), (x, y - 0.9 * s), (x + 1.2 * s, y), fill=paint())
                stroke((x - 0.2 * s, y + s), (x - 0.2 * s, y + 0.4 * s), (x + 0.2 * s, y + 0.4 * s), (x + 0.2 * s, y + s))
                stroke((x + 0.4 * s, y + 0.2 * s), (x + 0.8 * s, y + 0.2 * s), (x + 0.8 * s, y + 0.6 * s), (x + 0.4 * s, y + 0.6 * s), closed=True)
            elif what == 2:  # tree
                stroke((x - 0.15 * s, y + s), (x - 0.15 * s, y), (x + 0.15 * s, y), (x + 0.15 * s, y + s), fill=(120, 80, 40))
                for _ in range(5):
                    blob(x + rng.uniform(-0.6, 0.6) * s, y - rng.uniform(0.2, 1) * s, 0.5 * s, (40 + rng.randint(0, 60), 140 + rng.randint(-20, 60), 60))
            elif what == 3:  # sun with rays
                blob(x, y, 0.5 * s, (250, 210, 40))
                for t in np.linspace(0, 2 * np.pi, rng.randint(7, 13)):
                    stroke((x + 0.7 * s * np.cos(t), y + 0.7 * s * np.sin(t)), (x + s * np.cos(t), y + s * np.sin(t)))
            elif what == 4:  # cat's or other head
                blob(x, y, s, paint())
                stroke((x - 0.8 * s, y - 0.6 * s), (x - 0.7 * s, y - 1.4 * s), (x - 0.2 * s, y - s))
                stroke((x + 0.8 * s, y - 0.6 * s), (x + 0.7 * s, y - 1.4 * s), (x + 0.2 * s, y - s))
                for d in (-1, 1):
                    blob(x + d * 0.35 * s, y - 0.2 * s, 0.1 * s, ink)
                    stroke((x + d * 0.1 * s, y + 0.3 * s), (x + d * 0.9 * s, y + 0.15 * s))
                stroke((x - 0.3 * s, y + 0.4 * s), (x, y + 0.55 * s), (x + 0.3 * s, y + 0.4 * s))
            else:  # flower or car
                for t in np.linspace(0, 2 * np.pi, 7)[:-1]:
                    blob(x + 0.5 * s * np.cos(t), y + 0.5 * s * np.sin(t), 0.3 * s, paint())
                blob(x, y, 0.3 * s, (240, 200, 50))
                stroke((x, y + 0.6 * s), (x + 0.1 * s, y + 2 * s))
    return image


def chart(rng: random.Random) -> Image.Image:
    """Bars, lines, points or slices with axes and labels."""
    w, h = _size(rng)
    image, ink = _paper(rng, w, h)
    draw = ImageDraw.Draw(image)
    small = _some_font(rng, "print", max(8, w // 28))
    left, right, top, bottom = w * rng.uniform(0.08, 0.18), w * 0.95, h * rng.uniform(0.06, 0.2), h * rng.uniform(0.8, 0.92)
    colours = [_colour(rng, 20, 230) for _ in range(6)] if rng.random() < 0.6 else [(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75)]
    kind = rng.random()
    if kind < 0.8:
        if rng.random() < 0.85:
            draw.line([(left, top), (left, bottom), (right, bottom)], fill=ink, width=rng.randint(1, 3))
        if rng.random() < 0.6:
            for i in range(1, rng.randint(3, 8)):
                y = bottom - i * (bottom - top) / 7
                draw.line([(left, y), (right, y)], fill=(210, 210, 210))
                draw.text((1, y - 5), str(i * 10), fill=ink, font=small)
    n = rng.randint(3, 14)
    if kind < 0.35:
        series = rng.choice([1, 1, 2, 3])
        step = (right - left) / n
        for i in range(n):
            for s in range(series):
                x = left + i * step + step * 0.1 + s * step * 0.8 / series
                draw.rectangle([x, bottom - rng.uniform(0.05, 1) * (bottom - top), x + step * 0.75 / series, bottom], fill=colours[(s if series > 1 or rng.random() < 0.8 else i) % 6])
            if rng.random() < 0.5:
                draw.text((left + i * step, bottom + 1), _words(rng, 1)[:4], fill=ink, font=small)
    elif kind < 0.65:
        for s in range(rng.randint(1, 4)):
            y, points = rng.uniform(top, bottom), []
            for i in range(rng.randint(5, 40)):
                y = min(bottom, max(top, y + rng.gauss(0, (bottom - top) / 8)))
                points.append((left + i * (right - left) / 40 * rng.choice([1, 1]), y))
            draw.line(points, fill=colours[s], width=rng.randint(1, 4))
            if rng.random() < 0.4:
                for x, y in points:
                    draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colours[s])
    elif kind < 0.8:
        for _ in range(rng.randint(15, 120)):
            x, y, r = rng.uniform(left, right), rng.uniform(top, bottom), rng.uniform(1, w / 60)
            draw.ellipse([x - r, y - r, x + r, y + r], fill=colours[rng.randrange(6)])
    else:
        r, a = min(w, h) * rng.uniform(0.25, 0.42), rng.uniform(0, 360)
        cx, cy = w * rng.uniform(0.4, 0.6), h * rng.uniform(0.45, 0.55)
        shares = [rng.uniform(0.3, 2) for _ in range(rng.randint(3, 7))]
        for i, s in enumerate(shares):
            b = a + 360 * s / sum(shares)
            draw.pieslice([cx - r, cy - r, cx + r, cy + r], a, b, fill=colours[i % 6], outline=(255, 255, 255))
            a = b
        if rng.random() < 0.4:
            draw.ellipse([cx - r / 2, cy - r / 2, cx + r / 2, cy + r / 2], fill=image.getpixel((0, 0)))
    if rng.random() < 0.6:
        draw.text((w * 0.2, 2), _words(rng, rng.randint(1, 4)), fill=ink, font=_some_font(rng, "print", max(9, w // 18)))
    if rng.random() < 0.3:
        for i in range(rng.randint(2, 4)):
            draw.rectangle([w * 0.75, top + i * 14, w * 0.75 + 9, top + i * 14 + 9], fill=colours[i])
            draw.text((w * 0.75 + 12, top + i * 14), _words(rng, 1), fill=ink, font=small)
    return image


def screen(rng: random.Random) -> Image.Image:
    """A window, a page of the web, a chat, a terminal, a form, a table, a phone."""
    w, h = rng.choice([(320, 200), (400, 300), (480, 270), (240, 420), (300, 300), (360, 220)])
    dark = rng.random() < 0.35
    back, ink, line = ((rng.randint(15, 45),) * 3, (220, 220, 220), (70, 70, 75)) if dark else ((rng.randint(235, 255),) * 3, (40, 40, 45), (205, 205, 210))
    accent = _colour(rng, 30, 220)
    image = Image.new("RGB", (w, h), back)
    draw = ImageDraw.Draw(image)
    font = lambda s=0, kind="print": _some_font(rng, kind, s or rng.randint(7, 13))
    if rng.random() < 0.75:  # a bar at the top
        bar = rng.randint(14, 32)
        draw.rectangle([0, 0, w, bar], fill=accent if rng.random() < 0.6 else line)
        draw.text((rng.randint(4, 60), 3), _words(rng, 2), fill=(255, 255, 255), font=font(bar // 2))
        for i in range(3):
            x = w - 12 - 14 * i if rng.random() < 0.5 else 8 + 14 * i
            draw.ellipse([x, bar / 2 - 4, x + 8, bar / 2 + 4], fill=[(255, 95, 86), (255, 189, 46), (39, 201, 63)][i] if rng.random() < 0.6 else ink)
    else:
        bar = 0
    kind = rng.randrange(7)
    if kind == 0:  # side bar and text
        side = w * rng.uniform(0.18, 0.35)
        draw.rectangle([0, bar, side, h], fill=line if rng.random() < 0.6 else accent)
        f = font()
        for y in range(bar + 8, h, rng.randint(12, 24)):
            draw.text((5, y), _words(rng, rng.randint(1, 3)), fill=ink, font=f)
            draw.text((side + 8, y), _words(rng, rng.randint(2, 9)), fill=ink, font=f)
    elif kind == 1:  # chat
        y, f = bar + 8, font()
        while y < h - 20:
            mine, tall, wide = rng.random() < 0.5, rng.randint(14, 44), w * rng.uniform(0.3, 0.7)
            x = w - wide - 8 if mine else 8
            draw.rounded_rectangle([x, y, x + wide, y + tall], 7, fill=accent if mine else line)
            for yy in range(y + 3, y + tall - 9, 12):
                draw.text((x + 6, yy), _words(rng, 4), fill=(255, 255, 255) if mine else ink, font=f)
            y += tall + rng.randint(5, 12)
        draw.rounded_rectangle([6, h - 18, w - 6, h - 4], 6, outline=ink)
    elif kind == 2:  # terminal or code
        image.paste((rng.randint(0, 40),) * 3 if rng.random() < 0.7 else (250, 250, 245), [0, bar, w, h])
        f = font(0, "mono")
        bright = image.getpixel((w // 2, h - 2))[0] > 128
        for y in range(bar + 4, h - 8, f.size + rng.randint(1, 4)):
            x = rng.choice([4, 4, 16, 28])
            for _ in range(rng.randint(0, 5)):
                t = _words(rng, 1) + rng.choice([" ", "(", ") ", " = ", ": ", "; ", "{"])
                draw.text((x, y), t, fill=_colour(rng, 0, 120) if bright else _colour(rng, 120, 255), font=f)
                x += draw.textlength(t, font=f)
    elif kind == 3:  # form
        y, f = bar + 10, font()
        while y < h - 28:
            draw.text((10, y), _words(rng, 2), fill=ink, font=f)
            draw.rectangle([w * 0.4, y - 1, w * 0.92, y + 13], outline=ink, fill=(255, 255, 255) if not dark else (60, 60, 60))
            y += rng.randint(20, 32)
        draw.rounded_rectangle([w * 0.6, h - 24, w * 0.92, h - 6], 4, fill=accent)
        draw.text((w * 0.66, h - 22), "OK", fill=(255, 255, 255), font=f)
    elif kind == 4:  # table
        rows, columns, f = rng.randint(4, 14), rng.randint(2, 7), font()
        for r in range(rows + 1):
            y = bar + r * (h - bar) / rows
            draw.line([(0, y), (w, y)], fill=line)
            for c in range(columns):
                draw.text((c * w / columns + 3, y + 2), rng.choice([_words(rng, 1), str(rng.randint(0, 9999))]), fill=ink, font=f)
        for c in range(columns):
            draw.line([(c * w / columns, bar), (c * w / columns, h)], fill=line)
    elif kind == 5:  # cards or icons in a grid
        n, m, f = rng.randint(2, 5), rng.randint(2, 5), font(8)
        for i in range(n):
            for j in range(m):
                x, y, s = (i + 0.15) * w / n, bar + (j + 0.12) * (h - bar) / m, 0.7 * w / n
                draw.rounded_rectangle([x, y, x + s, y + 0.55 * (h - bar) / m], rng.choice([0, 4, 9]), fill=_colour(rng, 60, 240))
                draw.text((x, y + 0.6 * (h - bar) / m), _words(rng, 1), fill=ink, font=f)
    else:  # an article with a picture and a headline
        draw.text((10, bar + 8), _words(rng, 4), fill=ink, font=font(rng.randint(14, 24)))
        image.paste(blur(rng).resize((w // 2, h // 3)), (w // 4, bar + 36))
        f = font()
        for y in range(bar + 44 + h // 3, h, f.size + 4):
            draw.text((10, y), _words(rng, 12), fill=ink, font=f)
    return image


def blur(rng: random.Random) -> Image.Image:
    """Gradients, clouds, noise, stripes, grids, tiles and other patterns without a shape to name."""
    n = np.random.default_rng(rng.randrange(10**9))
    s = 160
    y, x = np.mgrid[0:s, 0:s] / s
    kind = rng.random()
    a, b = np.array(_colour(rng), float), np.array(_colour(rng), float)
    if kind < 0.25:  # a gradient, straight or round
        angle = rng.uniform(0, 6.3)
        t = x * np.cos(angle) + y * np.sin(angle) if rng.random() < 0.6 else np.hypot(x - rng.random(), y - rng.random())
        t = (t - t.min()) / (np.ptp(t) + 1e-9)
        c = np.array(_colour(rng), float)
        p = np.where(t[..., None] < 0.5, a + (c - a) * 2 * t[..., None], c + (b - c) * (2 * t[..., None] - 1)) if rng.random() < 0.5 else a + (b - a) * t[..., None]
    elif kind < 0.42:  # clouds
        p = np.zeros((s, s, 3))
        for k in (3, 6, 12, 25, 50)[: rng.randint(2, 5)]:
            grid = Image.fromarray((n.random((k, k, 3)) * 255).astype(np.uint8)).resize((s, s), Image.Resampling.BICUBIC)
            p += np.asarray(grid, float) / k**0.7
        p = (p - p.min()) / np.ptp(p)
        p = a + (b - a) * p[..., :1] if rng.random() < 0.6 else p * 255
    elif kind < 0.55:  # noise
        k = rng.choice([1, 2, 4, 8, 16])
        noise = n.random((s // k, s // k, rng.choice([1, 3])))
        if rng.random() < 0.4:
            noise = (noise > 0.5).astype(float)
        p = np.repeat(np.repeat(noise, k, 0), k, 1) * np.ones(3) * 255
    elif kind < 0.75:  # stripes, checks, waves
        f1, f2 = rng.uniform(3, 30), rng.uniform(0, 30)
        t = np.sin(2 * np.pi * (f1 * x + f2 * y + rng.uniform(0, 2) * np.sin(6 * y)))
        if rng.random() < 0.4:
            t = t * np.sin(2 * np.pi * (f2 * x - f1 * y))
        t = (t > 0).astype(float) if rng.random() < 0.6 else (t + 1) / 2
        p = a + (b - a) * t[..., None]
    elif kind < 0.9:  # many small things of one kind: dots, tiles, confetti
        image = Image.new("RGB", (s, s), _colour(rng))
        draw = ImageDraw.Draw(image)
        for _ in range(rng.randint(25, 250)):
            cx, cy, r = rng.uniform(0, s), rng.uniform(0, s), rng.uniform(1, 14)
            draw.polygon([(cx + r * np.cos(t), cy + r * np.sin(t)) for t in np.linspace(0, 2 * np.pi, rng.randint(3, 9)) + rng.random()], fill=_colour(rng))
        return image
    else:  # one colour, perhaps with a little noise
        p = a + n.normal(0, rng.uniform(0, 12), (s, s, 1))
    return Image.fromarray(np.clip(p * np.ones((s, s, 3)), 0, 255).astype(np.uint8))


def _stack(rng: random.Random) -> Image.Image:
    """Lines across lines: mazes, nets, maps of streets, maths exercises' grids."""
    w, h = _size(rng)
    image, ink = _paper(rng, w, h)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(8, 60)):
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        if rng.random() < 0.5:
            draw.line([(x, y), (x, rng.uniform(0, h)) if rng.random() < 0.5 else (rng.uniform(0, w), y)], fill=ink, width=rng.randint(1, 6))
        else:
            draw.line([(x, y), (rng.uniform(0, w), rng.uniform(0, h))], fill=ink if rng.random() < 0.5 else _colour(rng), width=rng.randint(1, 6))
    return image


def photo(rng: random.Random, kind: str) -> Image.Image:
    """A piece of a photograph, or a cut-out drawing on a background."""
    image = Image.open(rng.choice(_photos(_folder)[kind]))
    if kind == "photo":
        image = image.convert("RGB")
        w, h = image.size
        share = 1 if rng.random() < 0.3 else rng.uniform(0.35, 1)
        cw, ch = w * share, h * share * (1 if rng.random() < 0.6 else rng.uniform(0.7, 1))
        x, y = rng.uniform(0, w - cw), rng.uniform(0, h - ch)
        image = image.crop((int(x), int(y), int(x + cw), int(y + ch)))
        if rng.random() < 0.25:
            image = image.convert("L").convert("RGB")
        return image
    image = image.convert("RGBA")
    w, h = image.size
    side = int(max(w, h) * rng.uniform(1, 1.5))
    back = (255, 255, 255) if rng.random() < 0.6 else _colour(rng)
    sheet = Image.new("RGB", (side, side), back)
    if rng.random() < 0.2 and _photos(_folder)["photo"]:
        sheet = photo(rng, "photo").resize((side, side))
    sheet.paste(image, (rng.randint(0, side - w), rng.randint(0, side - h)), image)
    return sheet


def paint(rng: random.Random, folder: str, side: int) -> np.ndarray:
    """One such picture [side, side, 3] of bytes."""
    global _folder
    _folder = folder
    weights = {text: 16, scribble: 14, chart: 14, screen: 16, blur: 14, _stack: 3, "photo": 26, "drawing": 18}
    names = [k for k in weights if not isinstance(k, str) or _photos(_folder)[k]]
    kind = rng.choices(names, [weights[k] for k in names])[0]
    image = photo(rng, kind) if isinstance(kind, str) else kind(rng)
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.01 * max(image.size))))
    if rng.random() < 0.25:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=rng.randint(30, 95))
        image = Image.open(data).convert("RGB")
    picture = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
    if rng.random() < 0.15:
        noise = np.random.default_rng(rng.randrange(10**9)).normal(0, rng.uniform(2, 16), (side, side, 1))
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return picture


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("packages", type=Path, help="folder that holds one unpacked folder for each of PACKAGES")
    parser.add_argument("out", type=Path)
    parser.add_argument("--other", action="store_true", help="those of evaluation")
    a = parser.parse_args()
    print(shrink_photos(a.packages, a.out, OTHER_PACKAGES if a.other else PACKAGES), "pictures")
