"""Turn whole reviews round, sentence by sentence."""

import random
import re

from sentiment.data.lessons.negation import negate
from sentiment.data.lessons.opposites import turn_ratings, turn_round
from sentiment.data.lessons.sentences import END, Sentence
from sentiment.data.lessons.wordlist import word_list

SEPARATED = re.compile(f"({END.pattern})")
STARS = re.compile(r"\bstars?\b|\*\s?\*", re.IGNORECASE)
LEAST_TURNED, LEAST_SHARE = 4, 0.55
"""A review is turned round if so many opinion words are, and so large a share of them said its label."""
NEGATED_SHARE = 0.3
"""So often a sentence with one opinion word is negated and does not get an opposite."""


def turn_review(text: str, label: int, generator: random.Random) -> str | None:
    """Return a review with the opposite label; None if too few of its words say the label it has.

    `label` is 1 if the review is positive, else 0. Opinion words get their opposites, or a negation, and
    ratings are turned. A sentence that says the label with a word without an opposite, or in stars, is left
    out, and one with a negation or a contrast but without an opinion word: "It's not worth your time."
    """
    return _turn(_Pieces(text), label, generator)


def turn_by_words(text: str, generator: random.Random) -> tuple[str, int] | None:
    """Return a review without a label turned round, and the label that its words then tell.

    None if too few of its opinion words agree.
    """
    pieces = _Pieces(text)
    label = int(2 * sum(hit.is_good for hit in pieces.hits) > len(pieces.hits))
    turned = _turn(pieces, label, generator)
    return None if turned is None else (turned, 1 - label)


class _Pieces:
    """A review cut into its sentences and what separates them."""

    def __init__(self, text: str) -> None:
        cut = SEPARATED.split(text)
        self.sentences = [Sentence(piece) for piece in cut[::2]]
        self.separators = [*cut[1::2], ""]
        self.hits = [hit for sentence in self.sentences for hit in sentence.hits]


def _turn(pieces: _Pieces, label: int, generator: random.Random) -> str | None:
    turned = sum(hit.is_good == bool(label) and _has_opposite(hit.word) for hit in pieces.hits)
    if turned < max(LEAST_TURNED, LEAST_SHARE * len(pieces.hits)):
        return None
    whole = zip(pieces.sentences, pieces.separators, strict=True)
    return "".join(_turn_sentence(sentence, label, generator) + end for sentence, end in whole).strip()


def _turn_sentence(sentence: Sentence, label: int, generator: random.Random) -> str:
    """Return a sentence turned round; empty if it says the label, or may say it, in a way that cannot be."""
    hits = sentence.hits
    if STARS.search(sentence.text) or (not hits and (sentence.is_negated or sentence.turns)):
        return ""
    if any(hit.is_good == bool(label) and not _has_opposite(hit.word) for hit in hits):
        return ""
    is_single = len(hits) == 1 and not sentence.is_negated and not sentence.turns
    if is_single and generator.random() < NEGATED_SHARE:
        negated = negate(sentence, generator)
        if negated is not None:
            return turn_ratings(negated)
    return turn_ratings(turn_round(sentence.text, hits, generator))


def _has_opposite(word: str) -> bool:
    return word in word_list().opposites
