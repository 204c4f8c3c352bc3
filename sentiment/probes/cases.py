"""Make cases from templates: texts with the prediction that is expected of a model.

The idea and the three kinds of expectation are from CheckList (Ribeiro et al. 2020): minimum functionality
(the label is right), direction (the probability does not go the wrong way) and invariance (little change).
Two more are ours: the probability of a plain fact is near 0.5, and a text in another script is unreadable.

Version 2 has two halves with different wordings and words. What a model learns from may resemble the half
`open`, never the half `held_out`. So only the second one tells whether the model has learned a rule.
"""

import re
import string
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Expected = Literal["positive", "negative", "neutral", "unreadable", "not lower", "not higher", "same"]

FILES = {
    1: {"": "templates-1.toml"},
    2: {"open": "templates-2-open.toml", "held_out": "templates-2-held-out.toml"},
}
"""For each version the files of its halves. Version 1 has no halves."""
NEWEST = max(FILES)

WORD_PATTERN = re.compile(r"\w+")


@dataclass(frozen=True)
class Case:
    """One text and its label, or two texts and how the probability may change between them."""

    capability: str
    expected: Expected
    """What is predicted of a text, or how the second text's probability compares with the first one's."""
    texts: tuple[str, ...]
    tolerance: float
    """How far the probability may go the wrong way, or from 0.5 if neutral; 0 for a label and unreadable."""
    half: str
    """`open` or `held_out`; empty in version 1, which has no halves."""


@dataclass(frozen=True)
class Template:
    """The text or texts of some cases, with slots for words, and the cases."""

    texts: tuple[str, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class ProbeSet:
    """Every case, in the order of the templates."""

    version: int
    """Goes up when a case changes: results of different versions cannot be compared."""
    hard: dict[str, bool]
    """For each capability, in order: whether a model is expected to fail there."""
    templates: tuple[Template, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases of all templates."""
        return tuple(case for template in self.templates for case in template.cases)


class _TemplateWriter(string.Formatter):
    """`str.format` with names of changes as format specifications, as in `{review:upper}`."""

    def __init__(self, misspellings: Mapping[str, str]) -> None:
        def misspell(text: str) -> str:
            return WORD_PATTERN.sub(lambda word: misspellings.get(word[0], word[0]), text)

        self._changes: dict[str, Callable[[str], str]] = {
            "": str,
            "upper": str.upper,
            "lower": str.lower,
            "capitals": string.capwords,
            "sentence": lambda text: text[:1].upper() + text[1:],
            "typos": misspell,
        }

    def format_field(self, value: str, format_spec: str) -> str:
        return self._changes[format_spec](value)

    def fields(self, template: str) -> set[str]:
        """Return the names of the word lists that a template uses."""
        return {name for _, name, _, _ in self.parse(template) if name}


@cache
def probe_set(version: int = NEWEST) -> ProbeSet:
    """Return the cases of a version, the same on every call and machine."""
    hard: dict[str, bool] = {}
    templates: list[Template] = []
    for half, file in FILES[version].items():
        content = tomllib.loads((resources.files("sentiment.probes") / file).read_text("utf-8"))
        hard |= {name: settings.get("hard", False) for name, settings in content["capabilities"].items()}
        templates += _read_templates(content, half)
    return ProbeSet(version=version, hard=hard, templates=tuple(templates))


def _read_templates(content: Mapping[str, Any], half: str) -> Iterator[Template]:
    writer = _TemplateWriter(content["misspellings"])
    for probe in content["probes"]:
        for given in probe["texts"]:
            texts = (given,) if isinstance(given, str) else tuple(given)
            cases = (
                Case(
                    capability=probe["capability"],
                    expected=probe["expected"],
                    texts=filled,
                    tolerance=probe.get("tolerance", 0.0),
                    half=half,
                )
                for filled in _fill_texts(texts, content["words"], writer)
            )
            yield Template(texts, tuple(cases))


def _fill_texts(
    texts: Sequence[str], words: Mapping[str, Sequence[str]], writer: _TemplateWriter
) -> list[tuple[str, ...]]:
    """Fill a template once for each word of its longest list; shorter lists start again at their end.

    Not every word with every other: many cases would be nearly the same.
    """
    fields = set().union(*map(writer.fields, texts))
    return [
        tuple(writer.vformat(text, (), _choose_words(place, fields, words)) for text in texts)
        for place in range(max((len(words[field]) for field in fields), default=1))
    ]


def _choose_words(place: int, fields: set[str], words: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {field: words[field][place % len(words[field])] for field in fields}
