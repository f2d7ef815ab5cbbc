"""Small sums: plus, minus and times, written in many ways."""

import random

from .phrasing import choose

_NAMES = {
    "en": {"+": ["plus", "and"], "-": ["minus"], "*": ["times", "multiplied by"]},
    "fr": {"+": ["plus", "et"], "-": ["moins"], "*": ["fois", "multiplié par"]},
}
_ASK = {
    "en": ["{s}", "what is {s}", "what's {s}", "how much is {s}", "calculate {s}", "compute {s}", "{s} equals", "{s} is", "what does {s} make", "can you do {s}", "solve {s}", "{s} equals what", "work out {s}", "do you know {s}", "how much does {s} make", "the result of {s}", "give me {s}", "what do you get for {s}"],
    "fr": ["{s}", "combien font {s}", "combien fait {s}", "calcule {s}", "{s} ça fait combien", "{s} égale", "c'est combien {s}", "quel est le résultat de {s}", "ça fait combien {s}", "que vaut {s}", "{s} font combien", "peux-tu calculer {s}", "donne-moi {s}", "{s} fait", "résous {s}", "dis-moi combien font {s}"],
}
_MORE = {
    "en": {"+": ["add {a} and {b}", "the sum of {a} and {b}", "what is the sum of {a} and {b}", "add {b} to {a}"], "-": ["subtract {b} from {a}", "take {b} away from {a}", "{a} take away {b}", "the difference between {a} and {b}"], "*": ["multiply {a} by {b}", "the product of {a} and {b}", "{a} by {b}", "multiply {a} and {b}"]},
    "fr": {"+": ["additionne {a} et {b}", "la somme de {a} et {b}", "ajoute {b} à {a}", "quelle est la somme de {a} et {b}"], "-": ["soustrais {b} de {a}", "enlève {b} à {a}", "retire {b} de {a}", "la différence entre {a} et {b}"], "*": ["multiplie {a} par {b}", "le produit de {a} et {b}", "multiplie {a} et {b}", "quel est le produit de {a} par {b}"]},
}
_TOO_HARD = {
    "en": ["the square root of {a}", "{a} divided by {b}", "{a} / {b}", "{a} ÷ {b}", "{a} squared", "{a} to the power of {b}", "{b} percent of {a}", "half of {a}", "is {a} a prime number", "the factorial of {b}", "{a} % of {c}", "{a}^{b}", "the log of {a}", "solve {b}x + {a} = {c}"],
    "fr": ["la racine carrée de {a}", "{a} divisé par {b}", "{a} / {b}", "{a} ÷ {b}", "{a} au carré", "{a} puissance {b}", "{b} pour cent de {a}", "la moitié de {a}", "est-ce que {a} est un nombre premier", "la factorielle de {b}", "{a} % de {c}", "{a}^{b}", "le logarithme de {a}", "résous {b}x + {a} = {c}"],
}
ONLY_SMALL = {"en": "I only know small sums, with numbers up to 100.", "fr": "Je ne connais que les petits calculs, avec des nombres jusqu'à 100."}


_WORDS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(),
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt".split(),
}


def is_held_out(a: int, b: int, sign: str) -> bool:
    """One sum in twelve is never shown in training."""
    return sign != "*" and (a * 31 + b * 17 + ord(sign)) % 12 == 0


def _numbers(rng: random.Random) -> tuple[int, int, str]:
    kind = rng.random()
    if kind < 0.45:
        if rng.random() < 0.2:
            return rng.randint(0, 20), rng.randint(0, 20), "+"
        a = rng.randint(0, 100)
        return a, rng.randint(0, 100 - a if rng.random() < 0.75 else 100), "+"
    if kind < 0.8:
        a = rng.randint(0, 100 if rng.random() < 0.8 else 20)
        b = rng.randint(0, a if rng.random() < 0.93 else 100)
        return a, b, "-"
    return rng.randint(0, 10), rng.randint(0, 10), "*"


def sum_(rng: random.Random, language: str, held_out: bool = False) -> tuple[str, str]:
    """(question, answer)"""
    while True:
        a, b, sign = _numbers(rng)
        if sign == "*" or is_held_out(a, b, sign) == held_out:
            break
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    if rng.random() < 0.18:
        q = choose(_MORE[language][sign], rng).format(a=a, b=b)
    else:
        q = choose(_ASK[language], rng).format(s=_written(a, b, sign, language, rng))
    shown = {"+": "+", "-": "−", "*": "×"}[sign]
    return q, f"{a} {shown} {b} = {'−' if result < 0 else ''}{abs(result)}"


def _written(a, b, sign, language, rng) -> str:
    if rng.random() < 0.3:
        if a <= 20 and b <= 20 and rng.random() < 0.5:
            a, b = _WORDS[language][a], _WORDS[language][b]
        return f"{a} {rng.choice(_NAMES[language][sign])} {b}"
    mark = {"+": "+", "-": rng.choice("-−-"), "*": rng.choice(["*", "x", "×", "x"])}[sign]
    gap = rng.choice(["", "", " "])
    return f"{a}{gap}{mark}{gap}{b}" + (rng.choice(["=", " ="]) if rng.random() < 0.2 else "")


def too_hard(rng: random.Random, language: str) -> tuple[str, str]:
    if rng.random() < 0.4:
        a, b, c = rng.randint(2, 999), rng.randint(2, 12), rng.randint(10, 900)
        s = choose(_TOO_HARD[language], rng).format(a=a, b=b, c=c)
        if rng.random() < 0.5:
            s = {"en": "what is ", "fr": "combien fait "}[language] + s
        return s, ONLY_SMALL[language]
    big = lambda: rng.choice([rng.randint(120, 999), rng.randint(1000, 9999), rng.randint(10**4, 10**6)])
    a, b = big(), rng.choice([big(), rng.randint(2, 100)])
    sign = rng.choice("+-*")
    if rng.random() < 0.25:
        a, b, sign = rng.randint(13, 99), rng.randint(13, 99), "*"
    elif rng.random() < 0.4:
        a, b = b, a
    return choose(_ASK[language], rng).format(s=_written(a, b, sign, language, rng)), ONLY_SMALL[language]
