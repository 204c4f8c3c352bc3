"""Turn whole reviews round, sentence by sentence."""

import random
import re

from sentiment.data.lessons.negation import negate
from sentiment.data.lessons.opposites import turn_round
from sentiment.data.lessons.sentences import END, Sentence
from sentiment.data.lessons.wordlist import word_list

SEPARATED = re.compile(f"({END.pattern})")
LEAST_TURNED, LEAST_SHARE = 4, 0.55
"""A review is turned round if so many opinion words are, and so large a share of them said its label."""
NEGATED_SHARE = 0.3
"""So often a sentence with one opinion word is negated and does not get an opposite."""


def turn_review(text: str, label: int, generator: random.Random) -> str | None:
    """Return a review with the opposite label; None if too few of its words say the label it has.

    `label` is 1 if the review is positive, else 0. Opinion words get their opposites, or a negation. A
    sentence whose only opinions are words without an opposite is left out.
    """
    pieces = SEPARATED.split(text)
    found = turned = 0
    for place in range(0, len(pieces), 2):
        sentence = Sentence(pieces[place])
        found += len(sentence.hits)
        turned += sum(hit.is_good == bool(label) and _has_opposite(hit.word) for hit in sentence.hits)
        pieces[place] = _turn_sentence(sentence, label, generator)
    if turned < max(LEAST_TURNED, LEAST_SHARE * found):
        return None
    return "".join(pieces).strip()


def turn_by_words(text: str, generator: random.Random) -> tuple[str, int] | None:
    """Return a review without a label turned round, and the label that its words then tell.

    None if too few of its opinion words agree.
    """
    hits = [hit for piece in SEPARATED.split(text)[::2] for hit in Sentence(piece).hits]
    label = int(2 * sum(hit.is_good for hit in hits) > len(hits))
    turned = turn_review(text, label, generator)
    return None if turned is None else (turned, 1 - label)


def _turn_sentence(sentence: Sentence, label: int, generator: random.Random) -> str:
    hits = sentence.hits
    if not any(_has_opposite(hit.word) for hit in hits):
        return "" if any(hit.is_good == bool(label) for hit in hits) else sentence.text
    is_single = len(hits) == 1 and not sentence.is_negated and not sentence.turns
    if is_single and generator.random() < NEGATED_SHARE:
        negated = negate(sentence, generator)
        if negated is not None:
            return negated
    return turn_round(sentence.text, hits, generator)


def _has_opposite(word: str) -> bool:
    return word in word_list().opposites
