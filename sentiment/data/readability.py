"""Warn of texts that a model can hardly read: scripts that its tokenizer cannot cut, and unknown words."""

import re
from collections import Counter
from typing import NamedTuple

from sentiment.config import TextSettings
from sentiment.data.batches import AnyReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.parts import Part
from sentiment.data.vocabulary import Vocabulary

MOST_UNKNOWN = 0.5  # share of the tokens read
WORD_PATTERN = re.compile(r"\w+")


class Script(NamedTuple):
    """A script that is written without spaces between the words."""

    name: str
    runs: re.Pattern[str]
    """Letters without a space between them, too many for one word."""
    languages: tuple[str, ...]
    """The values of `text.language` whose tokenizers cut it into words; the first is the best."""


SCRIPTS = (
    Script(
        "Chinese or Japanese",
        re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{5,}"),
        ("zh", "ja"),
    ),
    Script("Thai", re.compile("[\u0e00-\u0e7f]{10,}"), ("th", "zh")),
    Script("Lao, Burmese or Khmer", re.compile("[\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff]{10,}"), ("zh",)),
)


class ReadingCheck:
    """Counts reviews and their unknown tokens as they come, to warn once at the end."""

    def __init__(self, language: str) -> None:
        """`language` is `text.language` of the run."""
        self._language = language
        self._reviews = 0
        self._tokens = 0
        self._unknown = 0.0
        self._uncut: Counter[Script] = Counter()

    def add(self, text: str, tokens: int, unknown: float) -> None:
        """Count a review, the tokens that the model reads of it, and the share of them that is unknown."""
        self._reviews += 1
        self._tokens += tokens
        self._unknown += tokens * unknown
        if script := find_uncut_script(text, self._language):
            self._uncut[script] += 1

    def warnings(self) -> list[str]:
        """Return a sentence for each reason why the reviews can hardly be read, without a full stop."""
        found = [
            f"{count:,} of {self._reviews:,} reviews are in {script.name} without spaces between the words, "
            f"which text.language={self._language} cannot cut into words; "
            f"train with --set text.language={script.languages[0]}"
            for script, count in self._uncut.items()
        ]
        if self._unknown > MOST_UNKNOWN * self._tokens:
            share = self._unknown / self._tokens
            found.append(f"the model does not know {share:.0%} of the words of these reviews")
        return found


def find_uncut_script(text: str, language: str) -> Script | None:
    """Return the script of a text that the tokenizer of `language` cannot cut into words, if it is one.

    More than half of the letters are then in long runs without a space.
    """
    if text.isascii():
        return None
    letters = sum(map(len, WORD_PATTERN.findall(text)))
    for script in SCRIPTS:
        if language not in script.languages and 2 * sum(map(len, script.runs.findall(text))) > letters:
            return script
    return None


def reading_warnings(part: Part, vocabulary: Vocabulary, settings: TextSettings) -> list[str]:
    """Return why the reviews of a part can hardly be read with this vocabulary; see `ReadingCheck`."""
    reviews = part.encode(vocabulary, settings).reviews
    check = ReadingCheck(settings.language)
    for index, text in enumerate(part.texts()):
        check.add(text, int(reviews.lengths_N[index]), unknown_share(reviews, index))
    return check.warnings()


def unknown_share(reviews: AnyReviews, index: int) -> float:
    """Return the share of a review's tokens that is not in the vocabulary."""
    return float((reviews[index] == UNKNOWN_ID).mean())
