"""Questions about a scene and their answers, one canonical wording for each kind.

Every kind is a function (scene, language, rng, aim) → Asked or None where the question would be
unfair: two things of nearly the same size, a place on the border of two regions. aim is the thing
asked about, so that follow-ups can ask the same of another thing.
"""

import random
from dataclasses import dataclass

from .naming import EN_PLACES, EN_SIDES, FR_COLOURS, FR_PLACES, FR_SIDES, FR_SHAPES, FEMININE, OPPOSITE, contracted, first_up, fr_colour, full, joined, no, noun, phrase, plural, some, the
from .palette import COLOURS
from .phrasing import choose
from .scenes import SHAPES, Scene, Thing


@dataclass
class Asked:
    question: str
    answer: str
    kind: str
    about: Thing | None = None  # what a later “it” or “and the square?” refers to
    side: str | None = None


def T(language: str, en: list[str], fr: list[str], rng: random.Random) -> str:
    return choose(en if language == "en" else fr, rng)


def put(template: str, language: str, **words: str) -> str:
    for k, v in words.items():
        template = template.replace("{" + k + "}", v)
    return contracted(template) if language == "fr" else template


def reference(scene: Scene, t: Thing, language: str, rng: random.Random, avoid: str = "") -> str | None:
    """Words that mean this thing and no other: the circle, the red one, the red circle."""
    ways = []
    one_shape = sum(o.shape == t.shape for o in scene.things) == 1
    one_colour = sum(o.colour == t.colour for o in scene.things) == 1
    both = sum(o.colour == t.colour and o.shape == t.shape for o in scene.things) == 1
    if one_shape and avoid != "shape":
        ways += [phrase(t.shape, None, language, rng)] * 3
    if one_colour and avoid != "colour":
        if language == "fr" and rng.random() < 0.3:
            return "le " + FR_COLOURS[t.colour]
        ways += [phrase(None, t.colour, language, rng)]
    if both and not avoid:
        ways += [phrase(t.shape, t.colour, language, rng)] * 2
    return the(rng.choice(ways), language) if ways else None


def missing(scene: Scene, rng: random.Random) -> tuple[str | None, str | None]:
    """A shape, a colour or a pair that is not in the scene."""
    shapes = [s for s in SHAPES if all(t.shape != s for t in scene.things)]
    colours = [c for c in COLOURS if all(t.colour != c for t in scene.things)]
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(shapes), None
    if kind < 0.65:
        return None, rng.choice(colours)
    if kind < 0.85:  # a thing that is there, in another colour
        t = rng.choice(scene.things)
        return t.shape, rng.choice(colours)
    return rng.choice(shapes), rng.choice([t.colour for t in scene.things])


def not_there(shape, colour, language) -> str:
    w = phrase(shape, colour, language)
    return f"There is {no(w, language)} in the picture." if language == "en" else f"Il n'y a {no(w, language)} dans l'image."


def region_of(t: Thing, margin: float = 0.03) -> int | None:
    """One of nine regions, None near a border."""
    if any(abs(v - b) < margin for v in (t.x, t.y) for b in (1 / 3, 2 / 3)):
        return None
    return 3 * int(t.y * 3) + int(t.x * 3)


def in_reading_order(things: list[Thing]) -> list[Thing]:
    return sorted(things, key=lambda t: (int(min(t.y, 0.999) * 3), t.x))


_SINGLE_COLOUR = (["what colour is it", "what colour is this", "which colour is it", "what's the colour", "colour", "what colour is this shape", "its colour", "what is its colour", "what colour do you see", "what colour is the shape", "name the colour", "what colour is that", "tell me the colour", "which colour do you see"],
                  ["de quelle couleur est-ce", "quelle couleur", "c'est quoi la couleur", "c'est quelle couleur", "quelle est la couleur", "quelle couleur vois-tu", "de quelle couleur est la forme", "quelle est sa couleur", "de quelle couleur est-il", "la couleur", "quelle couleur est-ce", "donne la couleur", "c'est de quelle couleur"])
_SINGLE_SHAPE = (["what shape is it", "what shape is this", "which shape is it", "what's the shape", "shape", "what is this", "what is it", "what kind of shape is it", "which shape do you see", "what shape do you see", "name the shape", "what shape is that", "what is the shape", "what figure is this", "what is that", "which shape is this"],
                 ["quelle forme est-ce", "c'est quoi comme forme", "quelle forme", "c'est quelle forme", "quelle est la forme", "quelle forme vois-tu", "c'est quoi", "qu'est-ce que c'est", "quelle est cette forme", "quel genre de forme est-ce", "la forme", "c'est une forme de quoi", "qu'est-ce que c'est comme forme", "quelle figure vois-tu"])
_COLOUR = (["what colour is {the}", "which colour is {the}", "what's the colour of {the}", "what is the colour of {the}", "colour of {the}", "{the} is what colour", "what colour does {the} have", "tell me the colour of {the}", "what colour {the} is", "{the} colour", "what's {the} colour", "which colour does {the} have", "{the} is which colour", "give me the colour of {the}", "in what colour is {the}", "name the colour of {the}", "can you see what colour {the} is"],
           ["de quelle couleur est {the}", "quelle est la couleur de {the}", "c'est quoi la couleur de {the}", "quelle couleur a {the}", "{the} est de quelle couleur", "la couleur de {the}", "couleur de {the}", "quelle couleur pour {the}", "{the} c'est quelle couleur", "{the} il est de quelle couleur", "donne-moi la couleur de {the}", "quelle couleur est {the}", "{the} est de quelle couleur déjà", "de quelle couleur apparaît {the}"])
_SHAPE = (["what shape is {the}", "which shape is {the}", "what is {the}", "what is the shape of {the}", "what's the shape of {the}", "shape of {the}", "what kind of shape is {the}", "{the} is what shape", "tell me the shape of {the}", "what form does {the} have", "what shape does {the} have", "{the} is which shape", "name the shape of {the}", "what sort of shape is {the}"],
          ["quelle forme a {the}", "quelle est la forme de {the}", "c'est quoi {the}", "quelle est {the}", "la forme de {the}", "{the} c'est quoi", "{the} c'est quelle forme", "quel genre de forme est {the}", "{the} a quelle forme", "{the} est quelle forme", "donne la forme de {the}", "c'est quoi la forme de {the}"])
_SHAPE_BY_COLOUR = (["what is {c}", "which shape is {c}", "what shape is {c}", "which one is {c}", "which is {c}", "what thing is {c}", "which object is {c}", "name the shape that is {c}"],
                    ["qu'est-ce qui est {c}", "quelle forme est {cf}", "laquelle est {cf}", "c'est quoi qui est {c}", "quelle est la forme {cf}", "qui est {c}", "quel objet est {c}"])


def colour(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    if not aim and rng.random() < 0.1:
        s, c = missing(scene, rng)
        if s and not c:
            q = T(language, *_COLOUR, rng)
            return Asked(put(q, language, the=the(noun(s, language, rng), language)), not_there(s, None, language), "colour")
    same = [o for o in scene.things if o.shape == t.shape]
    if len(same) > 1:
        if aim or len({o.colour for o in same}) == 1 or rng.random() < 0.5:
            return None
        cs = list(dict.fromkeys(o.colour for o in in_reading_order(same)))
        many = plural(t.shape, None, language)
        n = noun(t.shape, language)
        if language == "en":
            q = choose(["what colour are the {m}", "which colours are the {m}", "what colours do the {m} have", "the {m} are what colour", "colours of the {m}"], rng)
            return Asked(q.replace("{m}", many), f"The {many} are {joined(cs, 'en')}.", "colour")
        q = choose(["de quelle couleur sont les {m}", "quelles sont les couleurs des {m}", "les {m} sont de quelle couleur", "couleurs des {m}"], rng)
        return Asked(q.replace("{m}", many), f"Les {many} sont {joined([fr_colour(c, n) for c in cs], 'fr')}.", "colour")
    n = noun(t.shape, language)
    answer = f"The {n} is {t.colour}." if language == "en" else f"{first_up(the(n, 'fr'))} est {fr_colour(t.colour, n)}."
    if len(scene.things) == 1 and rng.random() < 0.5:
        return Asked(T(language, *_SINGLE_COLOUR, rng), answer, "colour", t)
    ref = the(noun(t.shape, language, rng), language)
    return Asked(put(T(language, *_COLOUR, rng), language, the=ref), answer, "colour", t)


def shape(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    if not aim and rng.random() < 0.08:
        gone = rng.choice([c for c in COLOURS if all(o.colour != c for o in scene.things)])
        return Asked(put(T(language, *_SHAPE, rng), language, the=the(phrase(None, gone, language, rng), language)), not_there(None, gone, language), "shape")
    if sum(o.colour == t.colour for o in scene.things) > 1:
        return None
    n = noun(t.shape, language)
    answer = f"The {t.colour} shape is {some(n, 'en')}." if language == "en" else f"La forme {fr_colour(t.colour, 'forme')} est {some(n, 'fr')}."
    if len(scene.things) == 1 and rng.random() < 0.5:
        return Asked(T(language, *_SINGLE_SHAPE, rng), answer, "shape", t)
    if rng.random() < 0.25:
        return Asked(put(T(language, *_SHAPE_BY_COLOUR, rng), language, c=t.colour if language == "en" else FR_COLOURS[t.colour], cf=fr_colour(t.colour, "forme")), answer, "shape", t)
    if language == "fr" and rng.random() < 0.2:
        ref = ("celui en " if rng.random() < 0.5 else "le ") + FR_COLOURS[t.colour]
    else:
        ref = the(phrase(None, t.colour, language, rng), language)
    return Asked(put(T(language, *_SHAPE, rng), language, the=ref), answer, "shape", t)


_COUNT = (["how many {m} are there", "how many {m}", "how many {m} do you see", "how many {m} can you see", "how many {m} are in the picture", "count the {m}", "number of {m}", "what is the number of {m}", "how many {m} in the picture", "how many {m} does the picture have", "can you count the {m}", "tell me how many {m} there are", "how many {m} are shown", "what number of {m} do you see", "give me the number of {m}"],
          ["combien de {m}", "combien y a-t-il de {m}", "combien de {m} y a-t-il", "combien de {m} vois-tu", "il y a combien de {m}", "combien de {m} dans l'image", "compte les {m}", "combien de {m} sur l'image", "tu vois combien de {m}", "nombre de {m}", "combien il y a de {m}", "quel est le nombre de {m}", "dis-moi combien il y a de {m}", "combien de {m} sont visibles", "peux-tu compter les {m}"])


def count(scene, language, rng, aim=None) -> Asked | None:
    kind = rng.random()
    if kind < 0.45:
        s, c = None, None
        asked = rng.choice({"en": ["shapes", "shapes", "objects", "things", "figures"], "fr": ["formes", "formes", "objets", "figures"]}[language])
    else:
        if kind < 0.62:
            s, c = missing(scene, rng)
            if s and c:
                c = None
                if any(t.shape == s for t in scene.things):
                    return None
        else:
            t = rng.choice(scene.things)
            s, c = (t.shape, None) if kind < 0.83 else (None, t.colour)
        asked = plural(s, c, language, rng)
    n = sum((s is None or t.shape == s) and (c is None or t.colour == c) for t in scene.things)
    q = T(language, *_COUNT, rng).replace("{m}", asked)
    if language == "fr":
        q = q.replace("de o", "d'o").replace("de h", "d'h").replace("de é", "d'é")
    if n == 0:
        answer = f"There are no {plural(s, c, 'en')}." if language == "en" else f"Il n'y a {no(phrase(s, c, 'fr'), 'fr')}."
    elif n == 1:
        answer = f"There is 1 {phrase(s, c, 'en')}." if language == "en" else f"Il y a 1 {phrase(s, c, 'fr')}."
    else:
        answer = f"There are {n} {plural(s, c, 'en')}." if language == "en" else f"Il y a {n} {plural(s, c, 'fr')}."
    return Asked(q, answer, "count")


_WHERE = (["where is {the}", "where's {the}", "where do you see {the}", "in which part of the picture is {the}", "what is the position of {the}", "where in the picture is {the}", "position of {the}", "where can i find {the}", "{the} is where", "locate {the}", "where can you see {the}", "where {the} is", "in what place is {the}", "whereabouts is {the}", "tell me the place of {the}"],
          ["où est {the}", "où se trouve {the}", "où vois-tu {the}", "{the} est où", "où est placé {the}", "quelle est la position de {the}", "dans quelle partie de l'image est {the}", "position de {the}", "il est où {the}", "{the} se trouve où", "c'est où {the}", "où il est {the}", "à quel endroit est {the}", "où est situé {the}"])


def where(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    if not aim and rng.random() < 0.08:
        s, c = missing(scene, rng)
        return Asked(put(T(language, *_WHERE, rng), language, the=the(phrase(s, c, language, rng), language)), not_there(s, c, language), "where")
    r, ref = region_of(t), reference(scene, t, language, rng)
    if r is None or ref is None:
        return None
    if language == "en":
        answer = f"The {full(t, 'en')} is {EN_PLACES[r]}."
    else:
        answer = f"{first_up(the(full(t, 'fr'), 'fr'))} est {FR_PLACES[r]}."
    return Asked(put(T(language, *_WHERE, rng), language, the=ref), answer, "where", t)


_AT = (["what is {p}", "what do you see {p}", "which shape is {p}", "what's {p}", "what shape is {p}", "is there something {p}", "what can you see {p}", "what {p}", "what stands {p}", "tell me what is {p}", "what is there {p}", "which object is {p}"],
       ["qu'y a-t-il {p}", "que vois-tu {p}", "quelle forme est {p}", "c'est quoi {p}", "qu'est-ce qu'il y a {p}", "il y a quoi {p}", "qu'est-ce qui est {p}", "y a quoi {p}", "quelle forme y a-t-il {p}", "tu vois quoi {p}", "que trouve-t-on {p}", "quel objet est {p}"])
_PLACE_WAYS = {
    "en": [["at the top left", "in the top left", "in the upper left", "in the top left corner"], ["at the top", "at the top", "up top", "at the top of the picture"], ["at the top right", "in the top right", "in the upper right", "in the top right corner"], ["on the left", "on the left side", "at the left"], ["in the centre", "in the middle", "in the center", "at the centre"], ["on the right", "on the right side", "at the right"], ["at the bottom left", "in the bottom left", "in the lower left", "in the bottom left corner"], ["at the bottom", "at the bottom", "at the bottom of the picture"], ["at the bottom right", "in the bottom right", "in the lower right", "in the bottom right corner"]],
    "fr": [["en haut à gauche", "dans le coin en haut à gauche"], ["en haut", "en haut de l'image"], ["en haut à droite", "dans le coin en haut à droite"], ["à gauche", "sur la gauche", "du côté gauche"], ["au centre", "au milieu", "au milieu de l'image"], ["à droite", "sur la droite", "du côté droit"], ["en bas à gauche", "dans le coin en bas à gauche"], ["en bas", "en bas de l'image"], ["en bas à droite", "dans le coin en bas à droite"]],
}


def at(scene, language, rng, aim=None) -> Asked | None:
    """What is at the top left / on the left / in the middle."""
    r = region_of(aim or rng.choice(scene.things)) if rng.random() < 0.85 else rng.randrange(9)
    if r is None:
        return None
    if r in (1, 3, 5, 7) or rng.random() < 0.25:  # a whole side
        r = r if r in (1, 3, 5, 7) else rng.choice([1, 3, 5, 7])
        at_ = {1: lambda t: t.y, 3: lambda t: t.x, 5: lambda t: 1 - t.x, 7: lambda t: 1 - t.y}[r]
        if any(0.33 < at_(t) < 0.44 for t in scene.things):
            return None
        found = [t for t in scene.things if at_(t) < 0.4]
    else:
        regions = [region_of(t) for t in scene.things]
        if None in regions:
            return None
        found = [t for t, q in zip(scene.things, regions) if q == r]
    found = in_reading_order(found)
    p = (EN_PLACES if language == "en" else FR_PLACES)[r]
    q = T(language, *_AT, rng).replace("{p}", rng.choice(_PLACE_WAYS[language][r]))
    if not found:
        answer = f"There is nothing {p}." if language == "en" else f"Il n'y a rien {p}."
        return Asked(q, answer, "at")
    names = joined([some(full(t, language), language) for t in found], language)
    if language == "en":
        answer = f"There {'is' if len(found) == 1 else 'are'} {names} {p}."
    else:
        answer = f"Il y a {names} {p}."
    return Asked(q, answer, "at", found[0] if len(found) == 1 else None)


_BESIDE = (["what is {side} {the}", "what's {side} {the}", "which shape is {side} {the}", "what do you see {side} {the}", "what shape is {side} {the}", "{side} {the} there is what", "what can you see {side} {the}", "which object is {side} {the}", "name the shape {side} {the}", "what stands {side} {the}"],
           ["qu'y a-t-il {side} {the}", "quelle forme est {side} {the}", "qu'est-ce qui est {side} {the}", "c'est quoi {side} {the}", "qu'est-ce qu'il y a {side} {the}", "que vois-tu {side} {the}", "il y a quoi {side} {the}", "y a quoi {side} {the}", "que trouve-t-on {side} {the}", "quel objet est {side} {the}"])
_SIDE_WAYS = {
    "en": {"left": ["to the left of", "left of", "on the left of"], "right": ["to the right of", "right of", "on the right of"], "above": ["above", "above", "over", "on top of"], "below": ["below", "under", "underneath", "beneath"]},
    "fr": {"left": ["à gauche de"], "right": ["à droite de"], "above": ["au-dessus de", "au dessus de"], "below": ["en dessous de", "au-dessous de", "sous"]},
}


def _gap(o: Thing, t: Thing, side: str) -> tuple[float, float]:
    """How far o lies on that side of t, and how far across."""
    dx, dy = o.x - t.x, o.y - t.y
    return {"left": (-dx, abs(dy)), "right": (dx, abs(dy)), "above": (-dy, abs(dx)), "below": (dy, abs(dx))}[side]


def beside(scene, language, rng, aim=None, side=None) -> Asked | None:
    if len(scene.things) < 2:
        return None
    t = aim or rng.choice(scene.things)
    side = side or rng.choice(["left", "right", "above", "below"])
    ref = reference(scene, t, language, rng)
    if ref is None:
        return None
    ways = _SIDE_WAYS[language][side]
    q = put(T(language, *_BESIDE, rng), language, side=rng.choice(ways), the=ref)
    others = [o for o in scene.things if o is not t]
    if len(others) == 1 and rng.random() < 0.15:
        o = others[0]
        dx, dy = o.x - t.x, o.y - t.y
        if max(abs(dx), abs(dy)) > 1.4 * min(abs(dx), abs(dy)):
            side = ("left" if dx < 0 else "right") if abs(dx) > abs(dy) else ("above" if dy < 0 else "below")
            q = put(T(language, ["what is next to {the}", "what is beside {the}", "what is near {the}", "which shape is next to {the}"], ["qu'y a-t-il à côté de {the}", "c'est quoi à côté de {the}", "quelle forme est à côté de {the}", "que vois-tu près de {the}"], rng), language, the=ref)
    near = [o for o in others if _gap(o, t, side)[0] > 0.08 and _gap(o, t, side)[0] > 0.8 * _gap(o, t, side)[1]]
    name = the(full(t, language), language)
    if not near:
        if any(_gap(o, t, side)[0] > 0.03 for o in others):
            return None
        if rng.random() < 0.5:
            return None
        if language == "en":
            answer = f"{first_up(EN_SIDES[side])} {name} there is nothing."
        else:
            answer = first_up(contracted(f"{FR_SIDES[side]} {name}, il n'y a rien."))
        return Asked(q, answer, "beside", t, side)
    distance = sorted((sum(v * v for v in _gap(o, t, side)) ** 0.5, i) for i, o in enumerate(near))
    if len(near) > 1 and distance[1][0] < 1.25 * distance[0][0]:
        return None
    o = near[distance[0][1]]
    if language == "en":
        answer = f"{first_up(EN_SIDES[side])} {name} there is {some(full(o, 'en'), 'en')}."
    else:
        answer = first_up(contracted(f"{FR_SIDES[side]} {name}, il y a {some(full(o, 'fr'), 'fr')}."))
    return Asked(q, answer, "beside", t, side)


_IS_BESIDE = (["is {a} {side} {b}", "is {a} {side} {b} or not", "do you see {a} {side} {b}", "{a} is {side} {b} right", "can you say whether {a} is {side} {b}", "is it true that {a} is {side} {b}"],
              ["est-ce que {a} est {side} {b}", "{a} est {side} {b}", "{a} est-il {side} {b}", "est-il vrai que {a} est {side} {b}", "{a} se trouve {side} {b}", "{a} il est {side} {b}"])


def is_beside(scene, language, rng, aim=None) -> Asked | None:
    if len(scene.things) < 2:
        return None
    a, b = rng.sample(scene.things, 2)
    if aim:
        a, b = aim, rng.choice([o for o in scene.things if o is not aim])
    side = rng.choice(["left", "right", "above", "below"])
    gap = _gap(a, b, side)[0]
    ra, rb = reference(scene, a, language, rng), reference(scene, b, language, rng)
    if abs(gap) < 0.1 or ra is None or rb is None:
        return None
    q = put(T(language, *_IS_BESIDE, rng), language, a=ra, b=rb, side=rng.choice(_SIDE_WAYS[language][side]))
    true = side if gap > 0 else OPPOSITE[side]
    na, nb = the(full(a, language), language), the(full(b, language), language)
    if language == "en":
        answer = f"{'Yes' if gap > 0 else 'No'}, {na} is {EN_SIDES[true]} {nb}."
    else:
        answer = contracted(f"{'Oui' if gap > 0 else 'Non'}, {na} est {FR_SIDES[true]} {nb}.")
    return Asked(q, answer, "is_beside", a)


_EXISTS = (["is there {a}", "do you see {a}", "can you see {a}", "is there {a} in the picture", "is there {a} here", "there is {a} right", "does the picture have {a}", "are there any {m}", "any {m}", "does the picture show {a}", "can you find {a}", "do you notice {a}"],
           ["y a-t-il {a}", "est-ce qu'il y a {a}", "vois-tu {a}", "il y a {a}", "tu vois {a}", "y a-t-il {a} dans l'image", "est-ce que tu vois {a}", "peux-tu voir {a}", "il y a {a} sur l'image", "ya {a}", "trouves-tu {a}", "l'image contient-elle {a}"])
_STRANGE = {"en": "cat dog car house tree person man woman bird flower boat face moon train apple banana book table chair fish cow horse road bridge cloud mountain river child letter number word ball spiral arrow".split(),
            "fr": "chat|chien|voiture|maison|arbre|personne|homme|femme|oiseau|fleur|bateau|visage|lune|train|pomme|banane|livre|table|chaise|poisson|vache|cheval|route|pont|nuage|montagne|rivière|enfant|lettre|mot|ballon|spirale|flèche".split("|")}
_STRANGE_HER = set("voiture maison personne femme fleur lune pomme banane table chaise vache route montagne rivière lettre spirale flèche".split())


def exists(scene, language, rng, aim=None) -> Asked | None:
    kind = rng.random()
    if kind < 0.12:
        w = rng.choice(_STRANGE[language])
        a = some(w, "en") if language == "en" else ("une " if w in _STRANGE_HER else "un ") + w
        many = {"person": "people", "man": "men", "woman": "women", "fish": "fish", "child": "children"}.get(w, w + "s")
        q = put(T(language, *_EXISTS, rng), language, a=a, m=many)
        answer = f"No, there is no {w}." if language == "en" else f"Non, il n'y a {no(w, 'fr')}."
        return Asked(q, answer, "exists")
    if kind < 0.52:
        s, c = missing(scene, rng)
    else:
        t = rng.choice(scene.things)
        s, c = rng.choice([(t.shape, None), (None, t.colour), (t.shape, t.colour), (t.shape, t.colour)])
    q = put(T(language, *_EXISTS, rng), language, a=some(phrase(s, c, language, rng), language), m=plural(s, c, language, rng))
    if language == "fr" and s is None:
        q = q.replace("une forme ", rng.choice(["une forme ", "quelque chose de "])) if rng.random() < 0.3 and c not in () else q
    found = [t for t in scene.things if (s is None or t.shape == s) and (c is None or t.colour == c)]
    if not found:
        w = phrase(s, c, language)
        answer = f"No, there is no {w}." if language == "en" else f"Non, il n'y a {no(w, 'fr')}."
        return Asked(q, answer, "exists")
    if len(found) > 1:
        many = plural(s, c, language)
        answer = f"Yes, there are {len(found)} {many}." if language == "en" else f"Oui, il y a {len(found)} {many}."
        return Asked(q, answer, "exists")
    w = some(full(found[0], language), language)
    return Asked(q, f"Yes, there is {w}." if language == "en" else f"Oui, il y a {w}.", "exists", found[0])


_IS_COLOUR = (["is {the} {c}", "is {the} {c} or not", "{the} is {c} right", "is the colour of {the} {c}", "would you say {the} is {c}"],
              ["est-ce que {the} est {c}", "{the} est {c}", "{the} est-il {c}", "{the} est bien {c}", "est-il vrai que {the} est {c}"])


def is_colour(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    if sum(o.shape == t.shape for o in scene.things) > 1:
        return None
    c = t.colour if rng.random() < 0.5 else rng.choice([o.colour for o in scene.things] + [rng.choice(COLOURS)])
    n, used = noun(t.shape, language), noun(t.shape, language, rng)
    if language == "en":
        q, answer = choose(_IS_COLOUR[0], rng), f"{'Yes' if c == t.colour else 'No'}, the {n} is {t.colour}."
    else:
        q, answer = choose(_IS_COLOUR[1], rng), f"{'Oui' if c == t.colour else 'Non'}, {the(n, 'fr')} est {fr_colour(t.colour, n)}."
    return Asked(put(q, language, the=the(used, language), c=c if language == "en" else fr_colour(c, used)), answer, "is_colour", t)


_BIGGEST = (["what is the {s} shape", "which shape is the {s}", "which is the {s}", "what's the {s} shape", "which one is the {s}", "what is the {s} thing", "the {s} shape", "what is the {s}", "which object is {s}", "name the {s} shape", "which of them is the {s}", "what colour is the {s} shape", "what colour is the {s} one", "which colour is the {s} shape", "show me the {s} one"],
            ["quelle est la forme la plus {s}", "quelle est la plus {s} forme", "quelle forme est la plus {s}", "c'est quoi la plus {s} forme", "laquelle est la plus {s}", "quel est le plus {m}", "la plus {s} forme", "quelle est la plus {s}", "c'est quoi le plus {m}", "qui est le plus {m}", "de quelle couleur est la plus {s} forme", "quelle est la couleur de la plus {s} forme", "de quelle couleur est le plus {m}", "nomme la plus {s} forme", "quel objet est le plus {m}"])
_SIZES = {"en": {1: ["biggest", "largest", "biggest", "bigger", "larger"], 0: ["smallest", "smallest", "smaller", "tiniest"]}}


def biggest(scene, language, rng, aim=None) -> Asked | None:
    if len(scene.things) < 2:
        return None
    big = rng.random() < 0.55
    order = sorted(scene.things, key=lambda t: t.size, reverse=big)
    ratio = max(order[0].size, order[1].size) / min(order[0].size, order[1].size)
    if ratio < 1.2:
        return None
    t = order[0]
    ways = _SIZES["en"][int(big)]
    if language == "en":
        q = choose(_BIGGEST[0], rng).replace("{s}", rng.choice(ways[:3] if len(scene.things) > 2 else ways))
        answer = f"The {'biggest' if big else 'smallest'} shape is the {full(t, 'en')}."
    else:
        q = choose(_BIGGEST[1], rng).replace("{s}", "grande" if big else "petite").replace("{m}", rng.choice(["grand", "gros"]) if big else "petit")
        answer = f"La forme la plus {'grande' if big else 'petite'} est {the(full(t, 'fr'), 'fr')}."
    return Asked(q, answer, "biggest", t)


_LARGER = (["which is {s}, {a} or {b}", "what is {s}, {a} or {b}", "which one is {s}, {a} or {b}", "{a} or {b}, which is {s}", "which of {a} and {b} is {s}", "between {a} and {b}, which is {s}"],
           ["lequel est le plus {s}, {a} ou {b}", "qui est le plus {s}, {a} ou {b}", "lequel est plus {s}, {a} ou {b}", "{a} ou {b}, lequel est plus {s}", "entre {a} et {b}, lequel est le plus {s}", "quel est le plus {s}, {a} ou {b}"])
_IS_LARGER = (["is {a} {s} than {b}", "{a} is {s} than {b} right", "is it true that {a} is {s} than {b}", "would you say {a} is {s} than {b}"],
              ["est-ce que {a} est plus {s} que {b}", "{a} est plus {s} que {b}", "{a} est-il plus {s} que {b}", "est-il vrai que {a} est plus {s} que {b}"])


def larger(scene, language, rng, aim=None) -> Asked | None:
    if len(scene.things) < 2:
        return None
    a, b = rng.sample(scene.things, 2)
    ra, rb = reference(scene, a, language, rng), reference(scene, b, language, rng)
    if ra is None or rb is None or max(a.size, b.size) / min(a.size, b.size) < 1.2:
        return None
    big = rng.random() < 0.6
    wins = (a.size > b.size) == big
    w = rng.choice(["bigger", "larger", "bigger"] if big else ["smaller"]) if language == "en" else rng.choice(["grand", "gros", "grand"] if big else ["petit"])
    na, nb = the(full(a, language), language), the(full(b, language), language)
    if rng.random() < 0.5:
        x, y = (na, nb) if wins else (nb, na)
        q = put(T(language, *_LARGER, rng), language, s=w, a=ra, b=rb)
        word = ("bigger" if big else "smaller") if language == "en" else ("grand" if big else "petit")
        answer = f"{first_up(x)} is {word} than {y}." if language == "en" else f"{first_up(x)} est plus {_agree(word, x)} que {y}."
    else:
        q = put(T(language, *_IS_LARGER, rng), language, s=w, a=ra, b=rb)
        really_big = a.size > b.size
        word = ("bigger" if really_big else "smaller") if language == "en" else ("grand" if really_big else "petit")
        yes = {"en": ("No", "Yes"), "fr": ("Non", "Oui")}[language][wins]
        answer = f"{yes}, {na} is {word} than {nb}." if language == "en" else f"{yes}, {na} est plus {_agree(word, na)} que {nb}."
    return Asked(q, answer, "larger", a)


def _agree(adjective: str, thing: str) -> str:
    return adjective + "e" if any(n in thing for n in ("étoile", "croix")) else adjective


_BACKGROUND = (["what colour is the background", "what is the background colour", "background colour", "what's the background", "which colour is the background", "what colour is behind the shapes", "what is the background", "the background is what colour", "tell me the background colour", "on what background is it", "what's the colour of the background", "which background colour do you see"],
               ["de quelle couleur est le fond", "quelle est la couleur du fond", "couleur du fond", "c'est quoi la couleur du fond", "le fond est de quelle couleur", "quelle couleur a le fond", "le fond est comment", "de quelle couleur est l'arrière-plan", "quel est le fond", "sur quel fond", "quelle couleur pour le fond", "et l'arrière-plan il est de quelle couleur"])


def background(scene, language, rng, aim=None) -> Asked | None:
    if scene.background is None:
        return None
    answer = f"The background is {scene.background}." if language == "en" else f"Le fond est {FR_COLOURS[scene.background]}."
    if rng.random() < 0.2:
        c = scene.background if rng.random() < 0.5 else rng.choice(COLOURS)
        yes = c == scene.background
        if language == "en":
            q = choose(["is the background {c}", "the background is {c} right", "is it on a {c} background", "is the background colour {c}"], rng)
            answer = ("Yes, the" if yes else "No, the") + answer[3:]
        else:
            q = choose(["le fond est-il {c}", "est-ce que le fond est {c}", "le fond est {c}", "l'arrière-plan est {c}"], rng)
            answer = ("Oui, le" if yes else "Non, le") + answer[2:]
        return Asked(q.replace("{c}", c if language == "en" else FR_COLOURS[c]), answer, "background")
    return Asked(T(language, *_BACKGROUND, rng), answer, "background")


_DESCRIBE = (["describe the picture", "what do you see", "describe this image", "what is in the picture", "describe", "what is on the picture", "what's in this picture", "what can you see", "tell me what you see", "what does the picture show", "describe what you see", "what is in this image", "what are the shapes", "describe it", "what do you see in this picture", "what's this picture", "give me a description", "tell me about this picture", "explain this picture", "what is shown here", "look at this", "which shapes are there and where", "describe the image in detail", "what is this picture of", "what does this image contain", "say what you see", "what have we here"],
             ["décris l'image", "que vois-tu", "décris cette image", "qu'y a-t-il dans l'image", "qu'y a-t-il sur l'image", "décris", "que voyez-vous", "qu'est-ce que tu vois", "décris ce que tu vois", "tu vois quoi", "dis-moi ce que tu vois", "que montre l'image", "c'est quoi cette image", "qu'est-ce qu'il y a sur l'image", "quelles sont les formes", "il y a quoi sur l'image", "que contient l'image", "parle-moi de cette image", "regarde cette image", "décris-moi l'image", "fais une description", "quelles formes y a-t-il et où", "décrivez l'image", "il y a quoi dans la photo", "que représente cette image", "dis ce que tu vois"])


def describe(scene, language, rng, aim=None) -> Asked | None:
    places = EN_PLACES if language == "en" else FR_PLACES
    if len(scene.things) <= 3 and any(region_of(t, 0.012) is None for t in scene.things):
        return None
    parts = [some(full(t, language), language) + " " + places[region_of(t, 0)] for t in in_reading_order(scene.things)]
    answer = joined(parts, language)
    if scene.background:
        answer += f", on {some(scene.background, 'en')} background" if language == "en" else f", sur un fond {FR_COLOURS[scene.background]}"
    return Asked(T(language, *_DESCRIBE, rng), first_up(answer) + ".", "describe", scene.things[0] if len(scene.things) == 1 else None)


_COLOURS = (["what colours are there", "which colours do you see", "what colours do you see", "list the colours", "name the colours", "what are the colours", "what colours are the shapes", "which colours are in the picture"],
            ["quelles couleurs y a-t-il", "quelles couleurs vois-tu", "quelles sont les couleurs", "liste les couleurs", "nomme les couleurs", "quelles sont les couleurs des formes", "tu vois quelles couleurs", "quelles couleurs dans l'image"])
_SHAPES = (["what shapes are there", "which shapes do you see", "what shapes do you see", "list the shapes", "name the shapes", "what shapes are in the picture", "which shapes are there", "which shapes can you see"],
           ["quelles formes y a-t-il", "quelles formes vois-tu", "liste les formes", "nomme les formes", "quelles formes dans l'image", "quelles sont les formes présentes", "tu vois quelles formes", "quelles formes peux-tu voir"])


def listing(scene, language, rng, aim=None) -> Asked | None:
    things = in_reading_order(scene.things)
    if rng.random() < 0.4:
        cs = list(dict.fromkeys(t.colour for t in things))
        names = cs if language == "en" else [FR_COLOURS[c] for c in cs]
        if language == "en":
            answer = f"I see {joined(names, 'en')}."
        else:
            answer = f"Je vois du {', du '.join(names[:-1]) + ' et du ' + names[-1] if len(names) > 1 else names[0]}."
            answer = answer.replace("du orange", "de l'orange")
        return Asked(T(language, *_COLOURS, rng), answer, "listing")
    names = joined([some(full(t, language), language) for t in things], language)
    return Asked(T(language, *_SHAPES, rng), f"I see {names}." if language == "en" else f"Je vois {names}.", "listing")


_COLOUR_AT = (["what colour is the shape {p}", "what colour is the one {p}", "what is the colour of the shape {p}", "which colour is the shape {p}", "the colour of the object {p}", "what colour is the object {p}", "the shape {p} is what colour"],
              ["de quelle couleur est la forme {p}", "quelle est la couleur de la forme {p}", "de quelle couleur est celle {p}", "la forme {p} est de quelle couleur", "quelle couleur a la forme {p}", "de quelle couleur est l'objet {p}", "couleur de la forme {p}"])


def colour_at(scene, language, rng, aim=None) -> Asked | None:
    """The colour of the only thing at some place."""
    asked = at(scene, language, rng)
    if asked is None or asked.about is None:
        return None
    t = asked.about
    p = next(w for w in sorted((x for ways in _PLACE_WAYS[language] for x in ways), key=len, reverse=True) if w in asked.question)
    n = noun(t.shape, language)
    answer = f"The {n} is {t.colour}." if language == "en" else f"{first_up(the(n, 'fr'))} est {fr_colour(t.colour, n)}."
    return Asked(T(language, *_COLOUR_AT, rng).replace("{p}", p), answer, "colour", t)


_IS_AT = (["is {the} {p}", "{the} is {p} right", "is {the} {p} or not", "would you say {the} is {p}"], ["est-ce que {the} est {p}", "{the} est {p}", "{the} est-il {p}", "{the} se trouve {p}"])


def is_at(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    r, ref = region_of(t), reference(scene, t, language, rng)
    if r is None or ref is None:
        return None
    asked = r if rng.random() < 0.5 else rng.randrange(9)
    parts = lambda i: {w for w, ok in (("top", i < 3), ("bottom", i > 5), ("left", i % 3 == 0), ("right", i % 3 == 2)) if ok}
    yes = asked == r or (len(parts(asked)) == 1 and parts(asked) <= parts(r))
    q = put(T(language, *_IS_AT, rng), language, the=ref, p=rng.choice(_PLACE_WAYS[language][asked]))
    if language == "en":
        answer = f"{'Yes' if yes else 'No'}, the {full(t, 'en')} is {EN_PLACES[r]}."
    else:
        answer = f"{'Oui' if yes else 'Non'}, {the(full(t, 'fr'), 'fr')} est {FR_PLACES[r]}."
    return Asked(q, answer, "is_at", t)


_IS_SHAPE = (["is {the} a {s}", "{the} is a {s} right", "is {the} a {s} or not", "is the shape of {the} a {s}"], ["est-ce que {the} est un {s}", "{the} est un {s}", "{the} est-elle un {s}", "{the} c'est un {s}"])
_IS_IT_SHAPE = (["is it a {s}", "is this a {s}", "it is a {s} right", "is that a {s}"], ["est-ce un {s}", "c'est un {s}", "est-ce que c'est un {s}", "c'est bien un {s}"])


def is_shape(scene, language, rng, aim=None) -> Asked | None:
    t = aim or rng.choice(scene.things)
    if sum(o.colour == t.colour for o in scene.things) > 1:
        return None
    s = t.shape if rng.random() < 0.5 else rng.choice(SHAPES)
    n = noun(t.shape, language)
    templates = _IS_IT_SHAPE if len(scene.things) == 1 and rng.random() < 0.6 else _IS_SHAPE
    q = T(language, *templates, rng)
    q = q.replace("a {s}", some(noun(s, "en", rng), "en")) if language == "en" else q.replace("un {s}", some(noun(s, "fr", rng), "fr"))
    q = put(q, language, the=the(phrase(None, t.colour, language, rng), language))
    if language == "en":
        answer = f"{'Yes' if s == t.shape else 'No'}, the {t.colour} shape is {some(n, 'en')}."
    else:
        answer = f"{'Oui' if s == t.shape else 'Non'}, la forme {fr_colour(t.colour, 'forme')} est {some(n, 'fr')}."
    return Asked(q, answer, "is_shape", t)


_RELATIVE = (["where is {a} relative to {b}", "where is {a} compared to {b}", "is {a} to the left or to the right of {b}", "on which side of {b} is {a}", "where is {a} in relation to {b}", "how is {a} placed relative to {b}", "is {a} above or below {b}", "where does {a} stand relative to {b}"],
             ["où est {a} par rapport à {b}", "où se trouve {a} par rapport à {b}", "{a} est à gauche ou à droite de {b}", "de quel côté de {b} est {a}", "{a} est où par rapport à {b}", "comment est placé {a} par rapport à {b}", "{a} est au-dessus ou en dessous de {b}", "quelle est la position de {a} par rapport à {b}"])


def relative(scene, language, rng, aim=None) -> Asked | None:
    if len(scene.things) < 2:
        return None
    a, b = rng.sample(scene.things, 2)
    ra, rb = reference(scene, a, language, rng), reference(scene, b, language, rng)
    if ra is None or rb is None:
        return None
    dx, dy = a.x - b.x, a.y - b.y
    q = T(language, *_RELATIVE, rng)
    across = any(w in q for w in ("left or", "gauche ou"))
    upright = any(w in q for w in ("above or", "au-dessus ou"))
    if across and abs(dx) < 0.1 or upright and abs(dy) < 0.1 or not (across or upright) and max(abs(dx), abs(dy)) < max(0.1, 1.4 * min(abs(dx), abs(dy))):
        return None
    sideways = across or not upright and abs(dx) > abs(dy)
    side = ("left" if dx < 0 else "right") if sideways else ("above" if dy < 0 else "below")
    na, nb = the(full(a, language), language), the(full(b, language), language)
    answer = f"{first_up(na)} is {EN_SIDES[side]} {nb}." if language == "en" else contracted(f"{first_up(na)} est {FR_SIDES[side]} {nb}.")
    return Asked(put(q, language, a=ra, b=rb), answer, "relative", a)


_SAME = (["are {a} and {b} the same colour", "do {a} and {b} have the same colour", "is {a} the same colour as {b}", "same colour for {a} and {b}"], ["{a} et {b} sont-ils de la même couleur", "{a} et {b} ont-ils la même couleur", "est-ce que {a} a la même couleur que {b}", "{a} et {b} c'est la même couleur"])


def same_colour(scene, language, rng, aim=None) -> Asked | None:
    single = [t for t in scene.things if sum(o.shape == t.shape for o in scene.things) == 1]
    if len(single) < 2:
        return None
    a, b = rng.sample(single, 2)
    if a.colour != b.colour and rng.random() < 0.5:  # most pairs differ
        return None
    na, nb = (the(noun(t.shape, language), language) for t in (a, b))
    q = put(T(language, *_SAME, rng), language, a=na, b=nb)
    if language == "en":
        answer = f"Yes, both are {a.colour}." if a.colour == b.colour else f"No, {na} is {a.colour} and {nb} is {b.colour}."
    else:
        ca, cb = (fr_colour(t.colour, noun(t.shape, "fr")) for t in (a, b))
        answer = f"Oui, tous les deux : {FR_COLOURS[a.colour]}." if a.colour == b.colour else f"Non, {na} est {ca} et {nb} est {cb}."
    return Asked(q, answer, "same_colour")


KINDS = {colour: 12, colour_at: 4, is_at: 3, is_shape: 4, relative: 5, same_colour: 2, shape: 11, count: 15, where: 14, at: 8, beside: 13, is_beside: 7, exists: 8, is_colour: 4, biggest: 6, larger: 5, background: 4, describe: 14, listing: 3}
BY_NAME = {f.__name__: f for f in KINDS}
_FUNCTIONS, _WEIGHTS = list(KINDS), list(KINDS.values())

_AND_ANOTHER = (["and {the}", "what about {the}", "how about {the}", "and what about {the}", "{the}", "and for {the}", "same question for {the}", "now {the}"],
                ["et {the}", "et pour {the}", "qu'en est-il de {the}", "et {the} alors", "{the}", "même question pour {the}", "et concernant {the}", "maintenant {the}"])
_IT = {
    "colour": (["what colour is it", "and its colour", "how about its colour", "which colour is it", "what is its colour", "what about its colour"], ["de quelle couleur est-il", "et sa couleur", "quelle est sa couleur", "de quelle couleur il est", "et la couleur", "sa couleur"]),
    "where": (["where is it", "and where is it", "where's that", "where", "and its position", "where exactly is it"], ["où est-il", "et où est-il", "il est où", "où", "et sa position", "où se trouve-t-il"]),
}
_AND_SIDE = (["and {side} it", "and {side}", "what about {side} it", "what is {side} it", "how about {side} it"], ["et {side}", "et qu'y a-t-il {side}", "qu'en est-il {side}", "et c'est quoi {side}", "{side}"])
_AND_SIDE_WORDS = {"en": {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}, "fr": {"left": "à gauche", "right": "à droite", "above": "au-dessus", "below": "en dessous"}}
_AND_PLACE = (["and {p}", "what about {p}", "how about {p}", "{p}"], ["et {p}", "qu'en est-il {p}", "et du côté {p}", "{p}"])


def follow_up(scene: Scene, last: Asked, language: str, rng: random.Random) -> Asked | None:
    """A question that only makes sense after the last one."""
    others = [t for t in scene.things if t is not last.about]
    kind = rng.random()
    if last.kind in ("colour", "shape", "where", "is_colour") and others and kind < 0.5:
        t = rng.choice(others)
        name = "colour" if last.kind == "is_colour" else last.kind
        asked = BY_NAME[name](scene, language, rng, t)
        avoid = {"colour": "colour", "shape": "shape"}.get(name, "")
        ref = reference(scene, t, language, rng, avoid)
        if asked is None or ref is None or asked.about is None:
            return None
        if len(scene.things) == 2 and rng.random() < 0.3:
            ref = {"en": "the other one", "fr": "l'autre"}[language]
        asked.question = put(T(language, *_AND_ANOTHER, rng), language, the=ref)
        return asked
    if last.kind == "count" and kind < 0.5:
        t = rng.choice(scene.things)
        s, c = (t.shape, None) if rng.random() < 0.7 else missing(scene, rng)
        if c and s:
            return None
        n = sum((s is None or o.shape == s) and (c is None or o.colour == c) for o in scene.things)
        many = plural(s, c, language)
        if language == "en":
            q = choose(["and {m}", "and how many {m}", "what about {m}", "how about the {m}"], rng).replace("{m}", many)
            answer = f"There are no {many}." if n == 0 else f"There is 1 {phrase(s, c, 'en')}." if n == 1 else f"There are {n} {many}."
        else:
            q = choose(["et les {m}", "et combien de {m}", "et de {m}", "et pour les {m}"], rng).replace("{m}", many).replace("de h", "d'h").replace("de é", "d'é").replace("de o", "d'o")
            answer = f"Il n'y a {no(phrase(s, c, 'fr'), 'fr')}." if n == 0 else f"Il y a 1 {phrase(s, c, 'fr')}." if n == 1 else f"Il y a {n} {many}."
        return Asked(q, answer, "count")
    if last.kind == "beside" and last.about and kind < 0.7:
        side = rng.choice([s for s in ("left", "right", "above", "below") if s != last.side])
        asked = beside(scene, language, rng, last.about, side)
        if asked:
            words = _AND_SIDE_WORDS[language][side]
            q = T(language, *_AND_SIDE, rng)
            if language == "en" and q == "and {side}":
                words = words.replace(" of", "")
            asked.question = q.replace("{side}", words)
        return asked
    if last.kind == "at" and kind < 0.6:
        asked = at(scene, language, rng)
        if asked:
            p = next(w for w in sorted((x for ways in _PLACE_WAYS[language] for x in ways), key=len, reverse=True) if w in asked.question)
            asked.question = T(language, *_AND_PLACE, rng).replace("{p}", p)
        return asked
    if last.about and kind < 0.9:
        name = rng.choice([k for k in _IT if k != last.kind])
        asked = BY_NAME[name](scene, language, rng, last.about)
        if asked is None or asked.about is None:
            return None
        asked.question = T(language, *_IT[name], rng)
        return asked
    return None


def ask(scene: Scene, language: str, rng: random.Random, last: Asked | None = None, kind: str | None = None) -> Asked:
    while True:
        if last and kind is None and rng.random() < 0.3:
            asked = follow_up(scene, last, language, rng)
        else:
            f = BY_NAME[kind] if kind else rng.choices(_FUNCTIONS, _WEIGHTS)[0]
            asked = f(scene, language, rng)
        if asked:
            return asked
        if kind and rng.random() < 0.02:
            return None
