"""Shapes, colours and places in English and French, with the grammar around them."""

import random

from .scenes import Thing

EN_SHAPES = {"circle": ["circle", "circle", "disc", "round shape"], "square": ["square"], "triangle": ["triangle"], "rectangle": ["rectangle"], "star": ["star"], "heart": ["heart"], "diamond": ["diamond", "diamond", "rhombus"], "hexagon": ["hexagon"], "cross": ["cross", "cross", "plus sign"], "oval": ["oval", "oval", "ellipse"]}
FR_SHAPES = {"circle": ["cercle", "cercle", "rond", "disque"], "square": ["carré"], "triangle": ["triangle"], "rectangle": ["rectangle"], "star": ["étoile"], "heart": ["cœur", "coeur"], "diamond": ["losange"], "hexagon": ["hexagone"], "cross": ["croix"], "oval": ["ovale", "ovale"]}
FEMININE = {"étoile", "croix", "forme"}
FR_COLOURS = {"red": "rouge", "orange": "orange", "yellow": "jaune", "green": "vert", "cyan": "cyan", "blue": "bleu", "purple": "violet", "pink": "rose", "brown": "marron", "black": "noir", "white": "blanc", "grey": "gris"}
_FR_HER = {"vert": "verte", "bleu": "bleue", "violet": "violette", "noir": "noire", "blanc": "blanche", "gris": "grise"}
_SAME_IN_PLURAL = {"orange", "cyan", "marron", "gris", "croix"}
EN_PLACES = ["at the top left", "at the top", "at the top right", "on the left", "in the centre", "on the right", "at the bottom left", "at the bottom", "at the bottom right"]
FR_PLACES = ["en haut à gauche", "en haut", "en haut à droite", "à gauche", "au centre", "à droite", "en bas à gauche", "en bas", "en bas à droite"]
EN_SIDES = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
FR_SIDES = {"left": "à gauche de", "right": "à droite de", "above": "au-dessus de", "below": "en dessous de"}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}


def fr_colour(colour: str, noun: str, plural: bool = False) -> str:
    c = FR_COLOURS[colour]
    if noun in FEMININE:
        c = _FR_HER.get(c, c)
    return c + "s" if plural and c not in _SAME_IN_PLURAL else c


def an(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def noun(shape: str | None, language: str, rng: random.Random | None = None) -> str:
    """The shape's canonical name, or with rng one that people use; None is any shape."""
    if shape is None:
        return {"en": "shape", "fr": "forme"}[language] if rng is None else rng.choice({"en": ["shape", "shape", "one", "object", "thing"], "fr": ["forme", "forme"]}[language])
    names = (EN_SHAPES if language == "en" else FR_SHAPES)[shape]
    return names[0] if rng is None else rng.choice(names)


def phrase(shape: str | None, colour: str | None, language: str, rng: random.Random | None = None) -> str:
    """red circle / cercle rouge"""
    n = noun(shape, language, rng)
    if language == "en":
        if colour and rng and colour in ("grey", "cyan", "purple") and rng.random() < 0.3:
            colour = {"grey": "gray", "cyan": "turquoise", "purple": "violet"}[colour]
        return f"{colour} {n}" if colour else n
    if not colour:
        return n
    c = fr_colour(colour, n)
    if rng and colour in ("cyan", "brown", "purple") and rng.random() < 0.2:
        c = {"cyan": "turquoise", "brown": "brun" if n not in FEMININE else "brune", "purple": "mauve"}[colour]
    return f"{n} {c}"


def plural(shape: str | None, colour: str | None, language: str, rng: random.Random | None = None) -> str:
    n = noun(shape, language, rng)
    if language == "en":
        many = {"cross": "crosses", "rhombus": "rhombuses"}.get(n, n + "s")
        return f"{colour} {many}" if colour else many
    many = n if n in _SAME_IN_PLURAL else n + "s"
    return f"{many} {fr_colour(colour, n, True)}" if colour else many


def the(words: str, language: str) -> str:
    if language == "en":
        return "the " + words
    first = words.split()[0]
    if first[0] in "aeiouéèh":
        return "l'" + words
    return ("la " if first in FEMININE else "le ") + words


def some(words: str, language: str) -> str:
    """an orange circle / un cercle orange"""
    if language == "en":
        return an(words)
    return ("une " if words.split()[0] in FEMININE else "un ") + words


def no(words: str, language: str) -> str:
    """There is no circle / Il n'y a pas de cercle"""
    if language == "en":
        return f"no {words}"
    return ("pas d'" if words[0] in "aeiouéèh" else "pas de ") + words


def joined(parts: list[str], language: str) -> str:
    if len(parts) == 1:
        return parts[0]
    return ", ".join(parts[:-1]) + (" and " if language == "en" else " et ") + parts[-1]


def contracted(french: str) -> str:
    return french.replace("de le ", "du ").replace("à le ", "au ").replace("que un", "qu'un")


def first_up(text: str) -> str:
    return text[0].upper() + text[1:]


def full(t: Thing, language: str) -> str:
    return phrase(t.shape, t.colour, language)
