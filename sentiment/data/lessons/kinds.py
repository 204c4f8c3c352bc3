"""Each kind of lesson: from the material of a run, or from the lists that ship, to texts with labels."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from sentiment.data.lessons.everyday import write_everyday
from sentiment.data.lessons.material import Material
from sentiment.data.lessons.negation import negate, without_negation
from sentiment.data.lessons.opposites import turn_ratings, turn_round
from sentiment.data.lessons.reviews import turn_review
from sentiment.data.lessons.sentences import Sentence, split_sentences
from sentiment.data.lessons.wordlist import word_list

Labelled = tuple[str, float]
"""A text, and the probability that it is positive."""
T = TypeVar("T")
Kind = Callable[[Material, random.Random], Iterator[Labelled]]

ROUNDS = 3
SHORT = 11
CONTRASTS = (
    "{a}, but {b}.", "{a} but {b}.", "Although {a}, {b}.", "{b}, although {a}.", "{a}; however, {b}.",
    "While {a}, {b}.", "{b}, even though {a}.", "{a}, yet {b}.", "Yes, {a}, but {b}.", "{a}. But {b}.",
    "Even though {a}, {b}.", "{a}. Still, {b}.", "{a}, but still {b}.", "Granted, {a}, but {b}.",
)  # fmt: skip
CLAUSE_STARTS = frozenset(["the", "this", "it", "i", "that", "he", "she", "his", "her", "there", "my", "we"])
NEVER_LOWER = ("I", "I'm", "I've", "I'd", "I'll")
EVERYDAY_SHARES = {
    "plain": 0.14, "negation": 0.36, "contrast": 0.2, "comparison": 0.1, "question": 0.08, "idiom": 0.04,
    "emoji": 0.04, "neutral": 0.04,
}  # fmt: skip


def real_sentences(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield sentences that are surely of one verdict."""
    for verdict, sentence in _in_turn(material.sure, generator):
        yield sentence.text, verdict


def opposite_sentences(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield sure sentences with every opinion word replaced by an opposite."""
    for verdict, sentence in _in_turn(material.sure, generator):
        if all(hit.word in word_list().opposites for hit in sentence.hits):
            yield turn_ratings(turn_round(sentence.text, sentence.hits, generator)), 1 - verdict


def opposite_reviews(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield training reviews turned round, a negative and a positive one in turn.

    All of them are turned more than once, each time in another way, until one side has no more.
    """

    def turn(label: int) -> Iterator[Labelled]:
        own = [text for text, found in material.reviews if found == label]
        for _ in range(ROUNDS):
            for text in _shuffled(own, generator):
                turned = turn_review(text, label, generator)
                if turned is not None:
                    yield turned, 1 - label

    for pair in zip(turn(1), turn(0), strict=False):
        yield from pair


def negations(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield pairs: sentences with a negation and without it; some are written, some are made."""
    for verdict, sentence in _in_turn(material.negated, generator):
        yield sentence.text, verdict
        plain = without_negation(sentence)
        if plain is not None:
            yield plain, 1 - verdict
    for verdict, sentence in _in_turn(material.sure, generator):
        negated = negate(sentence, generator) if len(sentence.hits) == 1 else None
        if negated is not None:
            yield negated, 1 - verdict
            yield sentence.text, verdict


def contrasts(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield two short sentences of opposite verdicts as one, whose main clause decides."""
    clauses = [[_clause(one) for one in side if _is_clause(one)] for side in material.sure]
    while all(clauses):
        for verdict in (0, 1):
            a, b = (generator.choice(clauses[side]) for side in (1 - verdict, verdict))
            text = generator.choice(CONTRASTS).format(a=a, b=b)
            yield text[0].upper() + text[1:], verdict


def everyday(_: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield short opinions about everyday things, and a few facts, without end; they may repeat."""
    sources = {kind: write_everyday(kind, generator) for kind in EVERYDAY_SHARES}
    while True:
        (kind,) = generator.choices(list(EVERYDAY_SHARES), list(EVERYDAY_SHARES.values()))
        yield next(sources[kind])


def facts(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield sentences that tell a story; they are as likely positive as negative."""
    for text in _shuffled(material.facts, generator):
        yield text, 0.5


def excerpts(material: Material, generator: random.Random) -> Iterator[Labelled]:
    """Yield one to three sentences of every training review with its label, again and again, without end.

    They show how little a few sentences say, and what they say without the rest of their review.
    """
    cut = [([sentence.text for sentence in split_sentences(text)], label) for text, label in material.reviews]
    reviews = [(sentences, label) for sentences, label in cut if sentences]
    while reviews:
        for sentences, label in _shuffled(reviews, generator):
            anywhere = generator.randrange(len(sentences))
            start = generator.choice([0, len(sentences) - 1, anywhere, anywhere])
            yield " ".join(sentences[start : start + generator.choice([1, 1, 2, 3])]), label


KINDS: dict[str, Kind] = {
    "sentences": real_sentences,
    "opposites": opposite_sentences,
    "reviews": opposite_reviews,
    "negations": negations,
    "contrasts": contrasts,
    "everyday": everyday,
    "facts": facts,
    "excerpts": excerpts,
}
"""By their keys in the section `lessons` of the configuration."""


def _in_turn(
    sides: tuple[list[Sentence], list[Sentence]], generator: random.Random
) -> Iterator[tuple[int, Sentence]]:
    """Return sentences in random order, a negative and a positive one in turn, until one side has no more."""
    negative, positive = (_shuffled(side, generator) for side in sides)
    return chain.from_iterable(((0, bad), (1, good)) for bad, good in zip(negative, positive, strict=False))


def _shuffled(values: Sequence[T], generator: random.Random) -> list[T]:
    return generator.sample(values, len(values))


def _is_clause(sentence: Sentence) -> bool:
    return len(sentence.words) <= SHORT and sentence.words[0] in CLAUSE_STARTS


def _clause(sentence: Sentence) -> str:
    text = sentence.text.rstrip(".! ")
    return text if text.split(maxsplit=1)[0] in NEVER_LOWER else text[0].lower() + text[1:]
