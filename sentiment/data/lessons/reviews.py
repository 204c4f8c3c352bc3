"""Turn whole reviews round, sentence by sentence."""

import random
import re

from sentiment.data.lessons.negation import negate
from sentiment.data.lessons.opposites import turn_ratings, turn_round
from sentiment.data.lessons.sentences import ABBREVIATION, END, Sentence
from sentiment.data.lessons.wordlist import word_list

SEPARATED = re.compile(f"({END.pattern})")
STARS = re.compile(r"\bstars?\b|\*\s?\*", re.IGNORECASE)
LEAST_TURNED, LEAST_SHARE = 4, 0.55
"""A review is turned round if so many opinion words are that said its label, and so large a share of all."""
NEGATED_SHARE = 0.3
"""So often a sentence with one opinion word is negated and does not get an opposite."""


def turn_review(text: str, label: int, generator: random.Random) -> str | None:
    """Return a review with the opposite label; None if too few of its words say the label it has.

    `label` is 1 if the review is positive, else 0. Opinion words get their opposites, or a negation, and
    ratings are turned. A sentence that says the other label already stays. One that says the label with a
    word without an opposite, or in stars, is left out, and one without an opinion word that may say it all
    the same: "It's not worth your time", "The good thing is the cast".
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
        pieces, self.separators = cut[:1], []
        for separator, piece in zip(cut[1::2], cut[2::2], strict=True):
            if ABBREVIATION.search(pieces[-1]):
                pieces[-1] += separator + piece
            else:
                self.separators.append(separator)
                pieces.append(piece)
        self.separators.append("")
        self.sentences = [Sentence(piece) for piece in pieces]
        self.hits = [hit for sentence in self.sentences for hit in sentence.hits]


def _turn(pieces: _Pieces, label: int, generator: random.Random) -> str | None:
    kept = (sentence for sentence in pieces.sentences if _can_be_kept(sentence, label))
    turned = sum(hit.is_good == bool(label) for sentence in kept for hit in sentence.hits)
    if turned < max(LEAST_TURNED, LEAST_SHARE * len(pieces.hits)):
        return None
    whole = zip(pieces.sentences, pieces.separators, strict=True)
    return "".join(_turn_sentence(sentence, label, generator) + end for sentence, end in whole).strip()


def _can_be_kept(sentence: Sentence, label: int) -> bool:
    """Whether a sentence can be turned round, or says nothing: not in stars, say, or with a hidden word."""
    if STARS.search(sentence.text):
        return False
    if not sentence.hits:
        return not (sentence.is_negated or sentence.turns or sentence.has_hidden_words)
    return all(hit.is_good != bool(label) or _has_opposite(hit.word) for hit in sentence.hits)


def _turn_sentence(sentence: Sentence, label: int, generator: random.Random) -> str:
    """Return a sentence turned round; empty if it says the label, or may say it, in a way that cannot be."""
    if not _can_be_kept(sentence, label):
        return ""
    hits, is_plain = sentence.hits, not sentence.is_negated and not sentence.turns
    if is_plain and all(hit.is_good != bool(label) for hit in hits):
        return turn_ratings(sentence.text)
    if len(hits) == 1 and is_plain and generator.random() < NEGATED_SHARE:
        negated = negate(sentence, generator)
        if negated is not None:
            return turn_ratings(negated)
    return turn_ratings(turn_round(sentence.text, hits, generator))


def _has_opposite(word: str) -> bool:
    return word in word_list().opposites
