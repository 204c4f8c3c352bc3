"""Make cases from templates: texts with the prediction that is expected of a model.

The idea and the three kinds of expectation are from CheckList (Ribeiro et al. 2020): minimum functionality
(the label is right), direction (the probability does not go the wrong way) and invariance (little change).
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

WORD_PATTERN = re.compile(r"\w+")


@dataclass(frozen=True)
class Case:
    """One text and its label, or two texts and how the probability may change between them."""

    capability: str
    expected: Expected
    """A label, or how the second text's probability compares with the first one's."""
    texts: tuple[str, ...]
    tolerance: float
    """How far the probability may go the wrong way; 0 for a label."""


@dataclass(frozen=True)
class ProbeSet:
    """Every case, in the order of the templates."""

    version: int
    """Goes up when a case changes: results of different versions cannot be compared."""
    hard: dict[str, bool]
    """For each capability, in order: whether a model is expected to fail there."""
    cases: tuple[Case, ...]


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
def probe_set() -> ProbeSet:
    """Return the cases of templates.toml, the same on every call and machine."""
    content = tomllib.loads(
        (resources.files("sentiment.evaluation.probes") / "templates.toml").read_text("utf-8")
    )
    writer = _TemplateWriter(content["misspellings"])
    return ProbeSet(
        version=content["version"],
        hard={name: settings.get("hard", False) for name, settings in content["capabilities"].items()},
        cases=tuple(
            Case(
                capability=probe["capability"],
                expected=probe["expected"],
                texts=texts,
                tolerance=probe.get("tolerance", 0.0),
            )
            for probe in content["probes"]
            for template in probe["texts"]
            for texts in _fill_template(template, content["words"], writer)
        ),
    )


def _fill_template(
    template: str | Sequence[str], words: Mapping[str, Sequence[str]], writer: _TemplateWriter
) -> list[tuple[str, ...]]:
    """Fill a template once for each word of its longest list; shorter lists start again at their end.

    Not every word with every other: many cases would be nearly the same.
    """
    templates = [template] if isinstance(template, str) else template
    fields = set().union(*map(writer.fields, templates))
    return [
        tuple(writer.vformat(text, (), _choose_words(place, fields, words)) for text in templates)
        for place in range(max(len(words[field]) for field in fields))
    ]


def _choose_words(place: int, fields: set[str], words: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {field: words[field][place % len(words[field])] for field in fields}
