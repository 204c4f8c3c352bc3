"""Write short opinions about everyday things, in many wordings."""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from sentiment.data.lessons.opposites import fit_article

SLOT = re.compile(r"\{([A-Za-z]+)2?(-?)\}(s?)")
ARTICLE = re.compile(r"\b[Aa]n? +(?=(\w+))")
START = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")
FILMS = 0.3  # the share of opinions about films; the other domains have equal shares of the rest
NEUTRAL = "neutral"
VERY = ("very", "really", "so", "truly", "absolutely", "pretty", "quite", "extremely", "just")
VERY_TWICE = re.compile(rf"\b(very|really|so|such an?|too|this|that|as) (?:{'|'.join(VERY)})\b")
FACTS: Mapping[str, Sequence[str]] = {
    "year": [str(year) for year in range(1960, 2025)],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "hour": ["seven", "eight", "noon", "9 am", "6 pm", "half past ten"],
    "town": ["London", "Boston", "Chicago", "Paris", "Dublin", "Sydney", "Rome", "Berlin", "Toronto"],
    "number": ["two", "three", "four", "five", "six", "12", "20", "30", "45", "60", "100", "120"],
    "color": ["red", "blue", "black", "white", "green", "grey"],
}
# For each slot the list of a domain that fills it: in praise, in a complaint.
LISTS = {
    "a": ("good", "bad"),
    "aspect": ("merits", "faults"),
    "verdict": ("praise", "complaint"),
    "part": ("parts", "parts"),
    "thing": ("things", "things"),
    "noun": ("nouns", "nouns"),
    "face": ("smiles", "frowns"),
}


def write_everyday(kind: str, generator: random.Random) -> Iterator[tuple[str, float]]:
    """Yield texts of a kind of grammar.toml with the probability that they are positive, without end."""
    lists = _read("everyday.toml")
    films, *others = ({**lists, **domain} for domain in lists["domains"])
    wordings = _read("grammar.toml")[kind]
    while True:
        for is_praise in (True, False):
            own = wordings.get("both", []) + wordings.get("praise" if is_praise else "complaint", [])
            domain = films if generator.random() < FILMS else generator.choice(others)
            text = fill(generator.choice(own), domain, is_praise, generator)
            yield text, 0.5 if kind == NEUTRAL else float(is_praise)


def fill(wording: str, domain: Mapping[str, Any], is_praise: bool, generator: random.Random) -> str:
    """Return a wording with its slots filled with words of a domain; no word is used twice."""
    used: set[str] = set()

    def choose(found: re.Match[str]) -> str:
        slot, turned, plural = found.groups()
        name = slot.lower()
        options = FACTS[name] if name in FACTS else domain[LISTS[name][is_praise == bool(turned)]]
        value = generator.choice([option for option in options if option not in used])
        used.add(value)
        if name == "a" and not turned and generator.random() < 1 / 4:
            value = f"{generator.choice(VERY)} {value}"
        if slot != name:
            value = value[0].upper() + value[1:]
        return _pluralise(value) if plural else value

    text = VERY_TWICE.sub(lambda found: found[1], SLOT.sub(choose, wording))
    text = ARTICLE.sub(lambda found: fit_article(found[0], found[1]), text)
    if generator.random() < 4 / 5:
        text = START.sub(lambda found: found[0].upper(), text)
    return text.rstrip(".") if generator.random() < 1 / 6 else text


def _pluralise(noun: str) -> str:
    """Return the plural of a noun of everyday.toml."""
    if noun.endswith("s"):
        return noun
    if noun.endswith(("ch", "sh", "x")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
