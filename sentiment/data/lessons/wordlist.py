"""Opinion words with their opposites, from the list that ships."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*", re.IGNORECASE)
NEAR = 3  # words on each side that decide whether an opinion word is an exception


class Hit(NamedTuple):
    """An opinion word in a text, at `text[start:end]`."""

    start: int
    end: int
    word: str
    """In lower case."""
    is_good: bool


class WordList:
    """Which words have an opinion, and which words are their opposites."""

    def __init__(self, text: str) -> None:
        """Read the list as TOML."""
        listed = tomllib.loads(text)
        self.is_good: dict[str, bool] = {}
        self.opposites: dict[str, list[str]] = {}
        for pair in listed["pairs"]:
            for own, other, is_good in (
                (pair["good"], pair["bad"], True),
                (pair["bad"], pair["good"], False),
            ):
                for word in own:
                    self.is_good[word] = is_good
                    self.opposites.setdefault(word, []).extend(other)
        for name, is_good in (("good", True), ("bad", False)):
            self.is_good |= dict.fromkeys(listed["more"][name], is_good)
        self.weak = frozenset(listed["weak"]["words"])
        cues = {name: frozenset(words) for name, words in listed["cues"].items()}
        self.negations, self.turns, self.personal = cues["negations"], cues["turns"], cues["personal"]
        self.exceptions = {
            word: re.compile(r"\b(?:" + "|".join(patterns) + r")\b")
            for word, patterns in listed["exceptions"].items()
        }
        phrases = sorted((word for word in self.is_good if " " in word), key=len, reverse=True)
        self._first_words = frozenset(self.is_good) | {phrase.split()[0] for phrase in phrases}
        self._phrases = re.compile(r"(?<![\w'-])(?:" + "|".join(map(re.escape, phrases)) + r")(?![\w-])")

    def find(self, text: str) -> list[Hit]:
        """Return the opinion words of a text, in order."""
        lower = text.lower()
        if self._first_words.isdisjoint(WORD.findall(lower)) or len(lower) != len(text):
            return []  # the lower case of a letter such as İ is two characters
        words = list(WORD.finditer(lower))
        hits = [
            Hit(*word.span(), word[0], self.is_good[word[0]])
            for place, word in enumerate(words)
            if word[0] in self.is_good
            and not _is_name(text, *word.span())
            and not self._is_exception(words, place)
        ]
        phrases = [
            Hit(*found.span(), found[0], self.is_good[found[0]]) for found in self._phrases.finditer(lower)
        ]
        if phrases:
            outside = [hit for hit in hits if not any(one.start <= hit.start < one.end for one in phrases)]
            hits = sorted([*outside, *phrases])
        return hits

    def _is_exception(self, words: list[re.Match[str]], place: int) -> bool:
        pattern = self.exceptions.get(words[place][0])
        if pattern is None:
            return False
        near = " ".join(word[0].replace("'", " ") for word in words[max(0, place - NEAR) : place + NEAR + 1])
        return any(words[place][0] in found[0] for found in pattern.finditer(near))


def _is_name(text: str, start: int, end: int) -> bool:
    """Whether a word inside a sentence has a capital, as a part of a name or a title has."""
    word = text[start:end]
    return word[0].isupper() and not word.isupper() and any(map(str.isalnum, text[:start]))


@cache
def word_list() -> WordList:
    """Return the list that ships."""
    return WordList(resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
