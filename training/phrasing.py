"""How people type: one meaning, many phrasings, with haste, typos and missing accents."""

import random
import re
import unicodedata

HELD_OUT_ONLY = False  # evaluation asks with the phrasings that training never used


def choose(phrasings: list, rng: random.Random):
    """One of the phrasings; the last eighth of each list is kept for evaluation."""
    kept = max(1, len(phrasings) // 8) if len(phrasings) >= 4 else 0
    if HELD_OUT_ONLY and kept:
        return rng.choice(phrasings[-kept:])
    return rng.choice(phrasings[: len(phrasings) - kept])


_BEFORE = {
    "en": ["please ", "hey, ", "hey ", "ok, ", "so ", "can you tell me ", "tell me ", "tell me, ", "could you tell me ", "i want to know ", "hi, ", "hi! ", "hello, ", "just curious, ", "quick question: ", "well, ", "yo ", "um ", "now ", "do you know ", "question: ", "hmm, "],
    "fr": ["s'il te plaît, ", "dis, ", "dis-moi ", "dis-moi, ", "ok, ", "alors ", "euh ", "salut, ", "bonjour, ", "peux-tu me dire ", "tu peux me dire ", "pouvez-vous me dire ", "question : ", "hey ", "bon, ", "et ", "je voudrais savoir ", "stp ", "maintenant, ", "au fait, ", "hé, ", "coucou, "],
}
_AFTER = {
    "en": [" please", ", please", " pls", " thanks", " now", " exactly", ", thank you", " for me", " then", " do you know"],
    "fr": [" s'il te plaît", " stp", " s'il vous plaît", " svp", " merci", ", merci", " exactement", " alors", " au juste", " dis-moi"],
}
_SHORT = {
    "en": [("what is", "whats"), ("what's", "whats"), ("you", "u"), ("are", "r"), ("please", "plz"), ("your", "ur"), ("what", "wat"), ("colour", "color"), ("colour", "color"), ("colour", "color"), ("there", "ther"), ("picture", "pic"), ("picture", "image"), ("the ", ""), ("the ", "teh "), ("how many", "how much"), ("and", "&"), ("where is", "wheres"), ("where is", "where's"), ("grey", "gray"), ("how", "hw")],
    "fr": [("c'est quoi", "c koi"), ("c'est", "c"), ("quoi", "koi"), ("que ", "ke "), ("quelle", "kel"), ("quel", "kel"), ("est-ce que", "esk"), ("est-ce qu'", "esk "), ("combien", "cb"), ("il y a", "ya"), ("il y a", "y a"), ("tu es", "t"), ("tu es", "t'es"), ("qui", "ki"), ("s'il te plaît", "stp"), ("y a-t-il", "ya"), ("-", " "), ("'", " "), ("quelle", "quel"), ("le ", ""), ("dans", "ds"), ("l'image", "la photo"), ("ce que", "ske"), ("ça", "sa"), ("qu'", "k ")],
}
_NEAR = {"a": "qsz", "e": "rzd", "i": "uok", "o": "ipl", "u": "yi", "s": "dqa", "r": "et", "t": "ry", "n": "bh", "l": "km", "c": "xv", "m": "nl", "d": "sf", "p": "ol", "h": "gj", "g": "fh"}


def without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.replace("œ", "oe")) if not unicodedata.combining(c))


def _typo(word: str, rng: random.Random) -> str:
    i = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.3:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.6:
        return word[:i] + word[i + 1 :]
    if kind < 0.8:
        return word[:i] + word[i] + word[i:]
    return word[:i] + rng.choice(_NEAR.get(word[i].lower(), word[i])) + word[i + 1 :]


_SMALL = {"a", "an", "the", "is", "are", "do", "i", "it", "to", "of", "in", "on", "my", "le", "la", "les", "un", "une", "de", "des", "du", "tu", "je", "il", "est", "et", "en", "à", "ça", "que"}


def without_a_small_word(text: str, rng: random.Random) -> str:
    """The text with one of its smallest words left out, if it has enough others."""
    words = text.split(" ")
    small = [i for i, w in enumerate(words) if w in _SMALL]
    if len(words) < 4 or not small:
        return text
    del words[rng.choice(small)]
    return " ".join(words)



NARROW, WIDE = "\u202f", "\u00a0"  # spaces that no line breaks at


def typographic(text: str) -> str:
    """French as it is printed: U+202F before ; ! ?, U+00A0 before : and inside guillemets, curly apostrophes."""
    text = re.sub(r" (?=[;!?])", NARROW, text)
    return re.sub(r" (?=[:»])|(?<=«) ", WIDE, text).replace("'", "’")


def _curly(text: str) -> str:
    """Straight quotes and apostrophes made curly, as telephones and word processors do."""
    text = re.sub(r'"([^"]*)"', r"“\1”", text)
    return re.sub(r"(?<!\w)'([^']*)'(?!\w)", r"‘\1’", text).replace("'", "’").replace("...", "…")


def as_printed(text: str, language: str) -> str:
    return typographic(text) if language == "fr" else _curly(text)


def _set_by_device(text: str, language: str, rng: random.Random) -> str:
    """The text as a keyboard that corrects its user, or a page it was copied from, sets it."""
    kind = rng.random()
    if language == "en":
        return _curly(text) if kind < 0.2 else f"“{_curly(text)}”" if kind < 0.21 else text
    if kind < 0.13:
        return typographic(text)
    if kind < 0.19:
        return typographic(text).replace(NARROW, WIDE)
    if kind < 0.23:
        return typographic(text).replace(WIDE, NARROW)
    if kind < 0.32:
        return _curly(text)
    if kind < 0.34:
        return typographic(text).replace("’", "'")
    if kind < 0.36:
        return typographic(f"« {text} »")
    return text


def typed(text: str, language: str, rng: random.Random, keep: str = "", wrap: bool = True, mark: str = "?") -> str:
    """The text as a hurried person may type it; the words in keep stay as they are."""
    kept = {w for w in keep.lower().split()}
    if wrap and rng.random() < 0.16:
        text = rng.choice(_BEFORE[language]) + text
    if wrap and rng.random() < 0.08:
        text = text + rng.choice(_AFTER[language])
    if rng.random() < 0.18 and not keep:
        for old, new in rng.sample(_SHORT[language], 8):
            if old in text:
                text = text.replace(old, new, 1)
                if rng.random() < 0.6:
                    break
    if rng.random() < 0.13:
        words = text.split(" ")
        for _ in range(1 if rng.random() < 0.75 else 2):
            i = rng.randrange(len(words))
            w = words[i]
            if len(w) > 3 and w.isalpha() and w.lower() not in kept:
                words[i] = _typo(w, rng)
        text = " ".join(words)
    if language == "en" and not keep and rng.random() < 0.4:
        text = text.replace("colour", "color").replace("centre", "center").replace("grey", "gray")
    text = text.strip()
    style = rng.random()
    if style < 0.42 and text:
        text = text[0].upper() + text[1:]
    elif style < 0.46:
        text = text.upper()
    elif style < 0.49:
        text = text.title()
    if language == "fr" and rng.random() < 0.16 and not keep:
        text = without_accents(text)
    end = rng.random()
    if mark and end < 0.55:
        text += (" " + mark if language == "fr" and rng.random() < 0.7 else mark)
    elif end < 0.61:
        text += "."
    elif end < 0.66:
        text += rng.choice(["!", " !", "??", "...", " ?", "?!", " :)", ","])
    return _set_by_device(text, language, rng) or "?"
