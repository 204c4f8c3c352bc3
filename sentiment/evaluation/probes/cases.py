"""From templates to cases: texts, and what a model has to say of them.

The idea, and the three kinds of expectation, are from CheckList (Ribeiro et al. 2020): minimum functionality
(the label is right), direction (the probability does not go the wrong way) and invariance (it hardly moves).
"""

import re
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Expected = Literal["positive", "negative", "not lower", "not higher", "same"]

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Case:
    """One text with the label it should get, or two between which the probability should move only so."""

    capability: str
    expected: Expected
    """A label; or of the second text's probability, set against the first one's."""
    texts: tuple[str, ...]
    tolerance: float
    """How far the probability may go the wrong way; 0 where a label is expected."""


@dataclass(frozen=True)
class ProbeSet:
    """Every case, in the order of the templates."""

    version: int
    """Counts up when a case changes: figures of different versions do not compare."""
    hard: dict[str, bool]
    """The capabilities in their order, and whether a model is expected to fail there."""
    cases: tuple[Case, ...]


class _Writer(string.Formatter):
    """`str.format` whose format specification names a change of the text, as in `{review:upper}`."""

    def __init__(self, misspellings: Mapping[str, str]) -> None:
        def misspell(text: str) -> str:
            return WORD.sub(lambda word: misspellings.get(word[0], word[0]), text)

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
        """The names of the word lists that a template draws on."""
        return {name for _, name, _, _ in self.parse(template) if name}


@cache
def probe_set() -> ProbeSet:
    """The cases of templates.toml, the same on every call and machine."""
    content = tomllib.loads(
        (resources.files("sentiment.evaluation.probes") / "templates.toml").read_text("utf-8")
    )
    writer = _Writer(content["misspellings"])
    return ProbeSet(
        version=content["version"],
        hard={name: settings.get("hard", False) for name, settings in content["capabilities"].items()},
        cases=tuple(
            Case(probe["capability"], probe["expected"], texts, probe.get("tolerance", 0.0))
            for probe in content["probes"]
            for template in probe["texts"]
            for texts in _write_out(template, content["words"], writer)
        ),
    )


def _write_out(
    template: str | Sequence[str], words: Mapping[str, Sequence[str]], writer: _Writer
) -> list[tuple[str, ...]]:
    """Write a template once for each word of its longest list; shorter lists start again at their end.

    Not every word with every other: that would be many cases that say the same.
    """
    templates = [template] if isinstance(template, str) else template
    fields = set().union(*map(writer.fields, templates))
    return [
        tuple(writer.vformat(text, (), _words_at(place, fields, words)) for text in templates)
        for place in range(max(len(words[field]) for field in fields))
    ]


def _words_at(place: int, fields: set[str], words: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {field: words[field][place % len(words[field])] for field in fields}
