"""Collect what lessons are made of from the reviews of a run."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sentiment.data.lessons.negation import find_negated
from sentiment.data.lessons.sentences import Sentence, split_sentences
from sentiment.data.lessons.wordlist import word_list

MOST_WORDS_OF_UNLABELLED = 12  # with one opinion word; longer ones are less sure without a label
LEAST_WORDS_OF_FACT = 6


@dataclass(frozen=True)
class Material:
    """The reviews of a run and their sentences, as far as lessons are made of them."""

    reviews: list[tuple[str, int]] = field(default_factory=list)
    """The training reviews: text, and 1 if it is positive, else 0."""
    unlabelled: list[str] = field(default_factory=list)
    """The reviews without labels."""
    sure: tuple[list[Sentence], list[Sentence]] = field(default_factory=lambda: ([], []))
    """Sentences that are surely negative, and surely positive."""
    negated: tuple[list[Sentence], list[Sentence]] = field(default_factory=lambda: ([], []))
    """Sentences with one opinion word that is negated: negative ones and positive ones."""
    facts: list[str] = field(default_factory=list)
    """Sentences that tell a story, without an opinion word."""


def collect_material(labelled: Iterable[tuple[str, int]], unlabelled: Iterable[str]) -> Material:
    """Return the material of training reviews with their labels and of reviews without labels.

    A sentence of a labelled review is sure only if it has the label of the review.
    """
    material = Material()
    for text, label in labelled:
        material.reviews.append((text, label))
        _add_sentences(material, text, label)
    for text in unlabelled:
        material.unlabelled.append(text)
        _add_sentences(material, text, None)
    return material


def _add_sentences(material: Material, text: str, label: int | None) -> None:
    for sentence in split_sentences(text):
        if sentence.is_sure:
            verdict = int(sentence.hits[0].is_good)
            is_short = len(sentence.hits) > 1 or len(sentence.words) <= MOST_WORDS_OF_UNLABELLED
            if verdict == label or (label is None and is_short):
                material.sure[verdict].append(sentence)
        elif sentence.hits:
            hit = None if sentence.turns or label is None else find_negated(sentence)
            if hit is not None and label != int(hit.is_good):
                material.negated[1 - int(hit.is_good)].append(sentence)
        elif _is_fact(sentence):
            material.facts.append(sentence.text)


def _is_fact(sentence: Sentence) -> bool:
    """Whether a sentence without opinion words looks like part of a story."""
    text = sentence.text
    looks_whole = text[0].isupper() and text.endswith(".") and len(sentence.words) >= LEAST_WORDS_OF_FACT
    return (
        looks_whole
        and not sentence.is_negated
        and not sentence.turns
        and word_list().personal.isdisjoint(sentence.words)
        and not sentence.has_hidden_words
    )
