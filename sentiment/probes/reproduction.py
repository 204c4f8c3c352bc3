"""Tell whether a text reproduces a template of the probe, so that nothing that a model learns from does.

A model that has met the templates of the held-out half shows its memory there, not what it can do.
"""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sentiment.probes.cases import FILES, Template, probe_set

FEWEST_FIXED_WORDS = 3
"""With fewer, as in `The {thing} is {good}.`, half of all sentences would count: the filled texts do."""

SLOT = "\N{WHITE SQUARE}"
APOSTROPHE = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}]")
WORD_PATTERN = re.compile(rf"[\w{SLOT}]+|[\u2600-\u27bf\U0001f000-\U0001faff]")  # a word, a slot or an emoji


@dataclass(frozen=True)
class _Wording:
    """One text of a template as it is compared: words without case and punctuation, or `SLOT`."""

    template: str
    half: str
    words: tuple[str, ...]

    @property
    def fixed_words(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if SLOT not in word)

    def pattern(self) -> re.Pattern[str]:
        return re.compile(" ".join(".+" if SLOT in word else re.escape(word) for word in self.words))


def reproduces_template(text: str, half: str | None = None) -> str | None:
    """Return the template of the probe that a text reproduces, or None.

    A text reproduces a template if it is one of its cases, or if it has the fixed words in their order and
    any words in the slots. Only the cases count if a template has fewer than `FEWEST_FIXED_WORDS`. Case and
    punctuation do not count.

    `half` is `open`, `held_out`, or empty for version 1. Without it all templates are searched. Only whole
    texts are compared: give the sentences of a longer text one by one.
    """
    words = _words_of(text)
    joined = " ".join(words)
    texts, patterns = _index()
    for found_half, template in texts.get(joined, ()):
        if half in (None, found_half):
            return template
    for word in dict.fromkeys(words):
        for wording, pattern in patterns.get(word, ()):
            if half in (None, wording.half) and pattern.fullmatch(joined):
                return wording.template
    return None


@cache
def _index() -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[tuple[_Wording, re.Pattern[str]]]]]:
    """Return halves and templates by their filled texts, and patterns by their rarest fixed word."""
    texts = defaultdict(list)
    wordings = []
    for template in (template for version in FILES for template in probe_set(version).templates):
        for place, wording in enumerate(_read_wordings(template)):
            if len(wording.fixed_words) >= FEWEST_FIXED_WORDS:
                wordings.append(wording)
            for case in template.cases:
                if joined := " ".join(_words_of(case.texts[place])):
                    texts[joined].append((wording.half, wording.template))
    frequency = Counter(word for wording in wordings for word in set(wording.fixed_words))
    patterns = defaultdict(list)
    for wording in wordings:
        patterns[min(wording.fixed_words, key=frequency.__getitem__)].append((wording, wording.pattern()))
    return texts, patterns


def _read_wordings(template: Template) -> Iterator[_Wording]:
    for text in template.texts:
        parts = string.Formatter().parse(text)
        slotted = "".join(literal + (SLOT if name else "") for literal, name, _, _ in parts)
        yield _Wording(text, template.cases[0].half, tuple(_words_of(slotted)))


def _words_of(text: str) -> list[str]:
    return WORD_PATTERN.findall(APOSTROPHE.sub("", text.casefold()))
