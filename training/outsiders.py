"""What authors wrote who knew none of the lists in talk.py and refusals.py, told only what each answer says."""

import json
import random
from pathlib import Path

from .phrasing import choose

# language: {an answer's name in talk.py or care.py, or "refusal": phrasings}
OUTSIDERS: dict[str, dict[str, list[str]]] = json.loads((Path(__file__).parent / "outsiders.json").read_text(encoding="utf-8"))


def by_outsiders(rng: random.Random, language: str, name: str) -> str:
    return choose(OUTSIDERS[language][name], rng)
