"""How often the answer is right, word for word, on pictures and phrasings that training never saw.

python -m training.evaluate CHECKPOINT [--q4] [--count N] [--familiar]

Pictures come from another painter than the training's; a third of them show a colour-shape pair that
training left out. An answer counts only if greedy decoding gives exactly the expected sentence.
"""

import argparse
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from . import care, checkpoint, lessons, phrasing, questions, refusals, sums, talk, words
from .lessons import ROW, Conversation, Turn, Writer
from .model import IMAGE, normalised
from .other_painter import scene_and_picture, unknown_picture
from .reading import hidden_states, next_token_logits

BY_OTHERS = ", by outsiders"
TEXT_TASKS = ["small talk", "small talk" + BY_OTHERS, "refusal", "refusal" + BY_OTHERS, "sum (unseen numbers)", "sum too hard", "translation", "unknown word", "unknown word (never taught)", "spelling", "spelling (unseen word)", "no picture", "distress, abuse, emergency, health", "typographic spaces and quotes", "100 + n (unseen numbers)", "tens in words", "greetings and talk of Québec"]


def pictures_and_scenes(count: int, seed: int, held_out: bool):
    rng = np.random.default_rng([seed, held_out])
    pairs = [scene_and_picture(rng, held_out) for _ in range(count)]
    return [s for s, _ in pairs], np.stack([p for _, p in pairs])


def picture_turns(scenes, kind: str, language: str, count: int, rng: random.Random):
    """(index of the picture, conversation): the last turn is the one that counts."""
    out, tries = [], 0
    while len(out) < count and tries < 40 * count:
        tries += 1
        i = rng.randrange(len(scenes))
        if kind == "describe (up to 3)" and len(scenes[i].things) > 3:
            continue
        c = Conversation()
        if kind == "follow-up":
            last = questions.ask(scenes[i], language, rng)
            asked = questions.follow_up(scenes[i], last, language, rng)
            if asked is None:
                continue
            c.turns.append(Turn(last.question, last.answer, last.kind, language, "before"))
            c.turns.append(Turn(phrasing.typed(asked.question, language, rng), asked.answer, kind, language))
        else:
            asked = questions.BY_NAME[kind.split(" ")[0]](scenes[i], language, rng)
            if asked is None:
                continue
            c.turns.append(Turn(phrasing.typed(asked.question, language, rng), asked.answer, kind, language, "before" if rng.random() < 0.7 else "after"))
        out.append((i, c))
    return out


def outsiders_turn(task: str, language: str, rng: random.Random) -> Turn:
    ask = refusals.refusal_by_outsiders if task.startswith("refusal") else talk.small_talk_by_outsiders
    q, a = ask(rng, language)
    return Turn(phrasing.typed(q, language, rng), a, task, language)


def text_turn(task: str, language: str, rng: random.Random, scenes) -> Turn:
    if task.endswith(BY_OTHERS):
        return outsiders_turn(task, language, rng)
    if task.startswith("distress"):
        q, a, _ = care.care(rng, language)
        return Turn(phrasing.typed(q, language, rng, wrap=False, mark="?" if care.asks(q, language) else "."), a, task, language)
    if task.startswith("typographic"):
        while True:
            turn = text_turn(rng.choice(["small talk", "sum (unseen numbers)", "translation", "spelling", "no picture"]), language, rng, scenes)
            turn.question = phrasing.as_printed(turn.question, language)
            if any(c in turn.question for c in "’“«" + phrasing.NARROW + phrasing.WIDE):
                return Turn(turn.question, turn.answer, task, language)
    if task.startswith("100 + n"):
        q, a = sums.sum_(rng, language, held_out=True, only=lambda a, b, sign: 100 in (a, b) and sign == "+")
        return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task == "tens in words":
        while True:
            q, a = sums.sum_(rng, language, held_out=True, only=lambda a, b, sign: sums.are_tens(a, b))
            if not any(c.isdigit() for c in q):
                return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task.startswith("greetings"):
        q, a = talk.in_quebec(rng)
        return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task == "small talk":
        q, a = talk.small_talk(rng, language)
        return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task == "refusal":
        q, a, loose = refusals.refusal(rng, language)
        return Turn(phrasing.typed(q, language, rng) if loose else q, a, task, language)
    if task.startswith("sum ("):
        q, a = sums.sum_(rng, language, held_out=True)
        return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task == "sum too hard":
        q, a = sums.too_hard(rng, language)
        return Turn(phrasing.typed(q, language, rng), a, task, language)
    if task == "no picture":
        while True:
            asked = questions.ask(rng.choice(scenes), language, rng)
            if asked.question not in lessons._SAME_WORDS[language]:
                return Turn(phrasing.typed(asked.question, language, rng), refusals.NO_PICTURE[language], task, language)
    while True:
        if task == "translation":
            l, q, a = words.translation(rng)
            keep = q
        elif task.startswith("unknown word ("):
            l, q, a, keep = refusals.unknown_word(rng, only_real=True)
        elif task == "unknown word":
            l, q, a, keep = refusals.unknown_word(rng)
        elif task == "spelling":
            l, q, a = words.spelling(rng, rng.choice(words.SPELLABLE))
            keep = q
        else:
            l, q, a = words.spelling(rng, "".join(rng.choice(["ba", "ko", "ri", "lu", "me", "ta", "so", "vin", "der", "pal", "gro"]) for _ in range(rng.randint(2, 3))))
            keep = q
        if l == language:
            return Turn(phrasing.typed(q, l, rng, keep=keep, wrap=False), a, task, l)


@torch.no_grad()
def right_answers(model, tokenizer, items, pictures, examples: list | None = None) -> list[bool]:
    """items: (index of the picture or None, conversation). Greedy decoding says the expected answer iff each
    of its tokens is the likeliest after the ones before, so one pass over question and answer tells."""
    writer = Writer(tokenizer)
    results = [False] * len(items)
    order = sorted(range(len(items)), key=lambda i: items[i][0] is None)
    at = 0
    while at < len(order):
        rows, which, owners = 16, [], []
        b = dict(ids=np.zeros((rows, ROW), np.int64), spoken=np.zeros((rows, ROW), bool), position=np.zeros((rows, ROW), np.int64), document=np.zeros((rows, ROW), np.int64), picture=np.full((rows, ROW), -1, np.int64))
        owner = np.full((rows, ROW), -1)
        for r in range(rows):
            x, doc = 0, 1
            while at < len(order):
                index, c = items[order[at]]
                ids, spoken, starts = writer.conversation(c, 10**6)
                k = len(ids)
                if k > ROW:  # counts as wrong
                    at += 1
                    continue
                if x + k > ROW:
                    break
                spoken = np.array(spoken, bool)
                spoken[: starts[-1]] = False  # only the last answer counts
                here = slice(x, x + k)
                b["ids"][r, here], b["spoken"][r, here], b["position"][r, here], b["document"][r, here] = ids, spoken, np.arange(k), doc
                owner[r, here] = order[at]
                seen = x + np.flatnonzero(b["ids"][r, here] == IMAGE)
                if len(seen):
                    b["picture"][r, seen] = len(which)
                    which.append(index)
                x, doc, at = x + k, doc + 1, at + 1
        pixels = normalised(torch.from_numpy(pictures[which if which else [0]]))
        hidden = hidden_states(model, b, pixels)
        logits, want = next_token_logits(model, b, hidden)
        got = logits.argmax(-1)
        owners = owner[:, 1:][b["spoken"][:, 1:]]
        wrong = {int(o) for o, g, w in zip(owners, got, want) if g != w}
        for o in set(owners.tolist()):
            results[o] = o not in wrong
            if examples is not None and o in wrong:
                mine = owners == o
                turn = items[o][1].turns[-1]
                examples.append((turn.task, turn.language, turn.question, turn.answer, tokenizer.decode(got[torch.from_numpy(mine)].tolist())))
    return results


def unknown_pictures(count: int, seed: int, photos: Path | None) -> np.ndarray:
    rng = np.random.default_rng([seed, 2])
    paths = sorted(photos.glob("*.webp")) if photos else []
    return np.stack([unknown_picture(rng, paths) for _ in range(count)])


def evaluate(model, tokenizer, count: int, seed: int = 20_000, familiar: bool = False, examples: list | None = None, photos: Path | None = None) -> dict[tuple[str, str], float]:
    """Share of right answers for each (task, language)."""
    phrasing.HELD_OUT_ONLY = not familiar
    rng = random.Random(seed)
    seen, seen_pictures = pictures_and_scenes(2 * count, seed, False)
    new, new_pictures = pictures_and_scenes(count, seed, True)
    scenes, pictures = seen + new, np.concatenate([seen_pictures, new_pictures, unknown_pictures(count, seed, photos)])
    items, keys = [], []
    kinds = [k for k in questions.BY_NAME if k != "describe"] + ["describe (up to 3)", "follow-up"]
    for language in ("en", "fr"):
        for kind in kinds:
            for item in picture_turns(scenes, kind, language, count, rng):
                items.append(item)
                keys.append((kind, language))
        for kind in ("colour", "shape"):
            for i, c in picture_turns(new, kind, language, count, rng):
                items.append((i + len(seen), c))
                keys.append((kind + " (unseen pairs)", language))
        for i in range(count):
            q, _ = lessons.about_unknown(rng, language, rng.choice(scenes))
            items.append((len(scenes) + i, Conversation([Turn(phrasing.typed(q, language, rng), refusals.UNKNOWN_PICTURE[language], "unknown picture", language, "before" if rng.random() < 0.7 else "after")])))
            keys.append(("unknown picture", language))
        for task in TEXT_TASKS if language == "fr" else TEXT_TASKS[:-1]:  # Québec speaks French
            for _ in range(count):
                items.append((None, Conversation([text_turn(task, language, rng, scenes)])))
                keys.append((task, language))
    phrasing.HELD_OUT_ONLY = False
    results = right_answers(model, tokenizer, items, pictures, examples)
    table = defaultdict(list)
    for key, ok in zip(keys, results):
        table[key].append(ok)
    return {k: sum(v) / len(v) for k, v in table.items()}


NAMES = {"at": "what is at a place", "beside": "what is left, right, above, below", "is_beside": "is it left, right … (yes or no)", "exists": "is there a … (yes or no)", "is_colour": "is it red (yes or no)", "biggest": "biggest, smallest", "larger": "larger, smaller of two", "colour_at": "colour of what is at a place", "is_at": "is it at the top … (yes or no)", "is_shape": "is it a circle (yes or no)", "relative": "where is one relative to another", "same_colour": "same colour (yes or no)", "count": "how many", "where": "where is it", "listing": "list the shapes or colours", "alike": "same colour or shape, nothing named", "either": "is it red or blue (either, or)", "behind": "what is behind (cannot be seen)", "unknown picture": "photos, screens, charts, writing …"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--q4", action="store_true", help="also after rounding to 4 bits")
    parser.add_argument("--count", type=int, default=200, help="questions for each task and language")
    parser.add_argument("--familiar", action="store_true", help="with the phrasings used in training")
    parser.add_argument("--wrong", type=int, default=0, help="show so many wrong answers for each task")
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--photos", type=Path, default=Path(__file__).parent / "work" / "other-photos", help="folder written by training.unknown --other")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    model, tokenizer = checkpoint.load(a.checkpoint)
    examples: list = []
    full = evaluate(model, tokenizer, a.count, familiar=a.familiar, examples=examples, photos=a.photos)
    rounded = None
    if a.q4:
        checkpoint.round_to_q4(model)
        rounded = evaluate(model, tokenizer, a.count, familiar=a.familiar, photos=a.photos)
    tasks = list(dict.fromkeys(k for k, _ in full))
    print("| task | English | French |" + (" English, 4 bits | French, 4 bits |" if rounded else ""))
    print("| --- | ---: | ---: |" + (" ---: | ---: |" if rounded else ""))
    for task in tasks:
        cells = [full.get((task, l)) for l in ("en", "fr")] + ([rounded.get((task, l)) for l in ("en", "fr")] if rounded else [])
        print(f"| {NAMES.get(task, task)} | " + " | ".join("–" if c is None else f"{100 * c:.1f}" for c in cells) + " |")
    means = [np.mean([t[k] for k in t]) for t in (full, rounded) if t]
    print("mean", *(f"{100 * m:.1f}" for m in means))
    shown = defaultdict(int)
    for task, language, q, want, got in examples:
        shown[task, language] += 1
        if shown[task, language] <= a.wrong:
            print(f"{task} {language}: {q!r} → {got!r}, expected {want!r}")


if __name__ == "__main__":
    main()
