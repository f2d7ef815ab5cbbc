"""Conversations made of questions and answers, and batches of them as token numbers."""

import random
from dataclasses import dataclass, field

import numpy as np

from . import care, questions, refusals, sums, talk, words
from .model import BOS, END_OF_IMAGE, END_OF_TURN, IMAGE, PICTURE_TOKENS, START_OF_IMAGE, START_OF_TURN
from .phrasing import choose, typed, typographic, without_a_small_word
from .scenes import Scene

ROW = 256  # tokens in a row of a batch
UNKNOWN_SHARE = 0.14  # of conversations with a picture
OUTSIDERS_SHARE = 0.4  # of small talk and refusals
_SAME_WORDS = {l: {q for _, qs in talk.BY_LANGUAGE[l].values() for q in qs} for l in ("en", "fr")}
_ABOUT_A_PICTURE = {q for lists in (questions._SINGLE_SHAPE, questions._DESCRIBE, questions._SINGLE_COLOUR) for qs in lists for q in qs}
_SYSTEM = ["You are a helpful assistant.", "You are a friendly assistant. Answer briefly.", "Be concise.", "Tu es un assistant utile.", "Réponds brièvement.", "You are a helpful assistant that looks at pictures.", "Answer in one sentence.", "Sois bref et poli."]
_LEAD_IN = {
    "en": ["Here is a picture. ", "here is an image: ", "Look at this picture. ", "In this picture, ", "in the picture ", "Look: ", "I attached a picture. ", "Hi! Here is my drawing. ", "In the image, ", "see this image? ", "Look at the picture and tell me: ", "Question about this picture: ", "Please look. "],
    "fr": ["Voici une image. ", "voici une photo : ", "Regarde cette image. ", "Dans cette image, ", "sur l'image ", "Regarde : ", "J'ai joint une image. ", "Bonjour ! Voici mon dessin. ", "Sur cette image, ", "tu vois cette image ? ", "Regarde l'image et dis-moi : ", "Question sur cette image : ", "Dans l'image, "],
}


@dataclass
class Turn:
    question: str
    answer: str
    task: str
    language: str
    picture: str | None = None  # "before" or "after" the text

    def __post_init__(self):
        if self.language == "fr":
            self.answer = typographic(self.answer)


@dataclass
class Conversation:
    turns: list[Turn] = field(default_factory=list)
    system: str | None = None


def text_turn(rng: random.Random, language: str, with_picture: bool = False, scene: Scene | None = None, spoken: str = "en") -> Turn:
    """A turn that no picture is needed for; spoken is the language of the turn before."""
    while True:
        kind = rng.choices(["talk", "refusal", "care", "sum", "too hard", "translation", "unknown word", "spelling", "length", "no picture"], [76, 27, 12, 23, 7, 15, 9, 6, 1, 0 if with_picture else 7])[0]
        if kind == "talk":
            q, a = talk.small_talk_by_outsiders(rng, language) if rng.random() < OUTSIDERS_SHARE else talk.small_talk(rng, language, spoken)
            if with_picture and q in _ABOUT_A_PICTURE:
                continue
            if rng.random() < 0.06:
                q = without_a_small_word(q, rng)
            return Turn(typed(q, language, rng), a, kind, language)
        if kind == "refusal":
            if rng.random() < OUTSIDERS_SHARE:
                (q, a), words_ = refusals.refusal_by_outsiders(rng, language), True
            else:
                q, a, words_ = refusals.refusal(rng, language, spoken)
            if q in _SAME_WORDS[language]:
                continue
            said = spoken if a == refusals.DONT_KNOW[spoken] else language
            return Turn(typed(q, language, rng) if words_ else q, a, kind, said)
        if kind == "care":
            q, a, _ = care.care(rng, language)
            if rng.random() < 0.06:
                q = without_a_small_word(q, rng)
            return Turn(typed(q, language, rng, wrap=False, mark="?" if care.asks(q, language) else "."), a, kind, language)
        if kind == "sum":
            q, a = sums.sum_(rng, language)
            return Turn(typed(q, language, rng, wrap=rng.random() < 0.5), a, kind, language)
        if kind == "too hard":
            q, a = sums.too_hard(rng, language, spoken)
            return Turn(typed(q, language, rng), a, kind, language)
        if kind == "translation":
            language, q, a = words.translation(rng)
            return Turn(typed(q, language, rng, keep=q), a, kind, language)
        if kind == "unknown word":
            language, q, a, w = refusals.unknown_word(rng)
            return Turn(typed(q, language, rng, keep=w), a, kind, language)
        if kind == "spelling":
            language, q, a = words.spelling(rng)
            return Turn(typed(q, language, rng, keep=q, wrap=False), a, kind, language)
        if kind == "length":
            language, q, a = words.length(rng)
            return Turn(typed(q, language, rng, keep=q, wrap=False), a, kind, language)
        asked = questions.ask(scene, language, rng)
        if asked.question in _SAME_WORDS[language] or asked.kind == "exists" and rng.random() < 0.5:
            continue
        return Turn(typed(asked.question, language, rng), refusals.NO_PICTURE[language], kind, language)


def talking(rng: random.Random, turns: int, scene: Scene) -> Conversation:
    """A conversation without a picture."""
    c = Conversation(system=rng.choice(_SYSTEM) if rng.random() < 0.04 else None)
    language = rng.choice(["en", "fr"])
    while len(c.turns) < turns:
        if rng.random() < 0.12:
            language = rng.choice(["en", "fr"])
        last = c.turns[-1] if c.turns else None
        if last and last.task == "translation" and rng.random() < 0.3:
            q, a = _translation_like(rng, last)
            c.turns.append(Turn(q, a, "translation", last.language))
            continue
        if last and last.task == "spelling" and rng.random() < 0.25:
            w = rng.choice(words.SPELLABLE)
            q = rng.choice(["and {w}", "what about {w}", "{w}", "now {w}", "and the word {w}"] if last.language == "en" else ["et {w}", "et pour {w}", "{w}", "maintenant {w}", "et le mot {w}"]).format(w=w)
            c.turns.append(Turn(typed(q, last.language, rng, keep=q, wrap=False), {"en": "It is spelled ", "fr": "Cela s'écrit "}[last.language] + "-".join(w) + ".", "spelling", last.language))
            continue
        if last and last.task == "sum" and rng.random() < 0.2:
            q, a = sums.sum_(rng, last.language)
            q = rng.choice(["and " if last.language == "en" else "et ", ""]) + a.split(" =")[0].replace("−", "-").replace("×", rng.choice("x*×"))
            c.turns.append(Turn(typed(q, last.language, rng, wrap=False), a, "sum", last.language))
            continue
        c.turns.append(text_turn(rng, language, scene=scene, spoken=last.language if last else "en"))
    return c


def _translation_like(rng: random.Random, last: Turn):
    """“and dog?” after a translation: (question, answer)"""
    en_forms, fr = rng.choice(words.PAIRS)
    en = en_forms[0]
    if last.answer.startswith("In French"):
        q, a = rng.choice(["and {w}", "what about {w}", "{w}", "and the word {w}"]).format(w=en), f"In French, “{en}” is “{typographic(fr)}”."
    elif last.language == "en":
        q, a = rng.choice(["and {w}", "what about {w}", "{w}", "and the word {w}"]).format(w=words.bare(fr)), f"“{words.bare(fr)}” is “{en}” in English."
    elif last.answer.startswith("En anglais"):
        q, a = rng.choice(["et {w}", "{w}", "et le mot {w}", "et pour {w}"]).format(w=words.bare(fr)), f"En anglais, « {words.bare(fr)} » se dit « {en} »."
    else:
        q, a = rng.choice(["et {w}", "{w}", "et le mot {w}", "et pour {w}"]).format(w=en), f"« {en} » se dit « {fr} » en français."
    return typed(q, last.language, rng, keep=q, wrap=False), a


def looking_in_vain(rng: random.Random, turns: int, scene: Scene) -> Conversation:
    """A conversation about a picture of something else than shapes; scene is only what the questions are about."""
    c = Conversation(system=rng.choice(_SYSTEM) if rng.random() < 0.03 else None)
    language = rng.choice(["en", "fr"])
    last = None
    for i in range(turns):
        if i and rng.random() < 0.1:
            language = {"en": "fr", "fr": "en"}[language]
        picture = None
        if i == 0:
            picture = "before" if rng.random() < 0.7 else "after"
            if rng.random() < 0.06:
                c.turns.append(Turn("", refusals.UNKNOWN_PICTURE["en"], "unknown picture", "en", picture))
                continue
        elif rng.random() < 0.15:
            c.turns.append(text_turn(rng, language, True, spoken=c.turns[-1].language))
            last = None
            continue
        q, last = about_unknown(rng, language, scene, last)
        lead_in = rng.choice(_LEAD_IN[language]) if picture and rng.random() < 0.15 else ""
        c.turns.append(Turn(lead_in + typed(q, language, rng), refusals.UNKNOWN_PICTURE[language], "unknown picture", language, picture))
    return c


def about_unknown(rng: random.Random, language: str, scene: Scene, last=None) -> tuple[str, questions.Asked | None]:
    """What people ask of any picture, what they ask of shapes, and what only such a picture makes them ask."""
    kind = rng.random()
    if kind < 0.4:
        return choose(refusals.ABOUT_UNKNOWN_PICTURE[language], rng), None
    if kind < 0.5:
        return choose(refusals.ABOUT_PICTURE[language], rng), None
    if kind < 0.62:
        return choose(questions._DESCRIBE[0 if language == "en" else 1], rng), None
    asked = questions.ask(scene, language, rng, last)
    return asked.question, asked


def looking(rng: random.Random, turns: int, scene: Scene, kind: str | None = None) -> Conversation:
    """A conversation about one picture, with a little else in between."""
    c = Conversation(system=rng.choice(_SYSTEM) if rng.random() < 0.03 else None)
    language = rng.choice(["en", "fr"])
    lead = 1 if rng.random() < 0.08 else 0  # a word or two before the picture comes
    for _ in range(lead):
        c.turns.append(text_turn(rng, language, True, scene))
    last = None
    for i in range(turns):
        if i and rng.random() < 0.1:
            language = {"en": "fr", "fr": "en"}[language]
        picture = None
        if i == 0:
            picture = "before" if rng.random() < 0.7 else "after"
            if rng.random() < 0.06 and kind is None and (language == "en" or lead):
                asked = questions.ask(scene, language, rng, kind="describe") if all(questions.region_of(t, 0.012) is not None for t in scene.things) or len(scene.things) > 3 else None
                if asked:
                    c.turns.append(Turn("", asked.answer, "describe", language, picture))
                    last = asked
                    continue
        elif rng.random() < 0.1:
            if rng.random() < 0.15:
                q = choose(refusals.ABOUT_PICTURE[language], rng)
                c.turns.append(Turn(typed(q, language, rng), refusals.DONT_KNOW[language], "refusal", language))
            else:
                c.turns.append(text_turn(rng, language, True, spoken=c.turns[-1].language if c.turns else "en"))
            last = None
            continue
        if kind is None and len(scene.things) > 1 and rng.random() < 0.006:
            kind_, q = "describe", choose(["what is this", "what is it", "what's this", "what is that"] if language == "en" else ["c'est quoi", "qu'est-ce que c'est", "c'est quoi ça", "qu'est-ce que c'est que ça"], rng)
            asked = questions.describe(scene, language, rng)
            if asked:
                asked.question = q
        else:
            asked = questions.ask(scene, language, rng, last, kind)
        if asked is None:
            continue
        mark = "" if asked.question.startswith(("describe", "décri", "count", "compte", "tell", "name", "list", "liste")) else "?"
        lead_in = rng.choice(_LEAD_IN[language]) if picture and rng.random() < 0.15 else ""
        c.turns.append(Turn(lead_in + typed(asked.question, language, rng, mark=mark), asked.answer, asked.kind, language, picture))
        last = asked
    return c


class Writer:
    """Turns conversations into token numbers, exactly as the chat template and the tokenizer do."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        ids = self.known.get(text)
        if ids is None:
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
            if len(self.known) < 200_000:
                self.known[text] = ids
        return ids

    def question(self, turn: Turn, system: str | None = None) -> list[int]:
        e = self.encode
        text = turn.question.strip()
        prefix = "user\n" + (system + "\n\n" if system else "")
        if turn.picture == "before":
            ids = e(prefix + "\n\n") + [START_OF_IMAGE] + [IMAGE] * PICTURE_TOKENS + [END_OF_IMAGE] + e("\n\n" + text)
        elif turn.picture == "after":
            ids = e(prefix + text + "\n\n") + [START_OF_IMAGE] + [IMAGE] * PICTURE_TOKENS + [END_OF_IMAGE] + e("\n\n")
        else:
            ids = e(prefix + text)
        return [START_OF_TURN] + ids + [END_OF_TURN] + e("\n") + [START_OF_TURN] + e("model\n")

    def answer(self, turn: Turn) -> list[int]:
        return self.encode(turn.answer) + [END_OF_TURN]

    def conversation(self, c: Conversation, room: int) -> tuple[list[int], list[int], list[int]]:
        """(ids, 1 where the model speaks, where each turn begins), as many turns as there is room for."""
        ids, spoken, starts = [BOS], [0], []
        for i, turn in enumerate(c.turns):
            q, a = self.question(turn, c.system if i == 0 else None), self.answer(turn)
            if len(ids) + len(q) + len(a) + 1 > room:
                break
            starts.append(len(ids))
            ids += q + a + self.encode("\n")
            spoken += [0] * len(q) + [1] * len(a) + [0]
        return ids, spoken, starts


class Batches:
    """An endless supply of batches: rows of several conversations, each seeing only itself."""

    def __init__(self, tokenizer, scenes: list[Scene], mirrored: list[Scene], rows: int, pictures: int, talk_share: float, seed: int):
        self.writer = Writer(tokenizer)
        self.scenes, self.mirrored = scenes, mirrored
        self.shapes = [i for i, s in enumerate(scenes) if s.things]
        self.unknown = [i for i, s in enumerate(scenes) if not s.things]
        self.rows, self.pictures, self.talk_share = rows, pictures, talk_share
        self.rng = random.Random(seed)

    def next(self) -> dict[str, np.ndarray]:
        rng, n = self.rng, self.rows
        ids = np.zeros((n, ROW), np.int64)
        spoken = np.zeros((n, ROW), bool)
        position = np.zeros((n, ROW), np.int64)
        document = np.zeros((n, ROW), np.int64)
        picture = np.full((n, ROW), -1, np.int64)
        which, flips = [], []
        for r in range(n):
            at, doc = 0, 1
            while ROW - at > 40 and doc < 9:
                index = rng.choice(self.shapes)
                see = ROW - at > 75 and len(which) < self.pictures and rng.random() > self.talk_share
                turns = rng.choices([1, 2, 3, 4, 6, 8], [28, 15, 15, 14, 14, 14])[0]
                if see and self.unknown and rng.random() < UNKNOWN_SHARE:
                    flip = rng.random() < 0.25  # most of them have a left and a right
                    c = looking_in_vain(rng, turns, self.scenes[index])
                    index = rng.choice(self.unknown)
                elif see:
                    flip = rng.random() < 0.5
                    scene = (self.mirrored if flip else self.scenes)[index]
                    c = looking(rng, turns, scene)
                else:
                    c = talking(rng, turns, self.scenes[index])
                t, s, starts = self.writer.conversation(c, ROW - at)
                if not starts:
                    if ROW - at < 120:
                        break
                    continue
                k = len(t)
                p = np.arange(k)
                if len(starts) > 1 and rng.random() < 0.15:  # as if more had been said in between
                    p[rng.choice(starts[1:]) :] += rng.randrange(1, 700)
                ids[r, at : at + k], spoken[r, at : at + k], position[r, at : at + k] = t, s, p
                document[r, at : at + k] = doc
                here = np.flatnonzero(ids[r, at : at + k] == IMAGE)
                if len(here):
                    picture[r, at + here] = len(which)
                    which.append(index)
                    flips.append(flip)
                at, doc = at + k, doc + 1
        while len(which) < self.pictures:  # not looked at: keeps the batch's shape
            which.append(0)
            flips.append(False)
        return dict(ids=ids, spoken=spoken, position=position, document=document, picture=picture, which=np.array(which), flips=np.array(flips))
