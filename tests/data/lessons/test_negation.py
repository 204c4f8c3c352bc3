"""Negations that are put into sentences and taken out."""

import random

import pytest

from sentiment.data.lessons.negation import find_negated, negate, without_negation
from sentiment.data.lessons.sentences import Sentence


def negated(text: str) -> set[str]:
    """Every way in which a sentence is negated."""
    return {negate(Sentence(text), random.Random(seed)) for seed in range(300)}


def test_a_negation_is_put_before_the_opinion():
    found = negated("The acting is really good.")
    assert {"The acting is not good.", "The acting isn't good.", "The acting is anything but good."} <= found


def test_a_noun_keeps_its_article():
    found = negated("In the end it was a masterpiece of its time.")
    assert "In the end it was not a masterpiece of its time." in found
    assert not any("not at all a" in text for text in found)


def test_a_verb_changes_its_form():
    found = negated("I really loved every scene.")
    assert {"I did not love every scene.", "I can't say I loved every scene."} <= found


def test_a_whole_sentence_is_denied():
    found = negated("The acting is good.")
    assert {"I don't think the acting is good.", "The acting is good? Hardly."} <= found


def test_every_way_adds_a_negation():
    for text in negated("The script is awful."):
        assert text != "The script is awful."
        assert text.count("awful") == 1


def test_some_sentences_cannot_be_negated():
    assert negated("Superb from start to finish.") == {None}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The film is not very good.", "The film is very good."),
        ("It wasn't a good film.", "It was a good film."),
        ("It was never dull.", None),
    ],
)
def test_a_negation_is_taken_out(text, plain):
    sentence = Sentence(text)
    assert find_negated(sentence) is not None
    assert without_negation(sentence) == plain


@pytest.mark.parametrize("text", ["It is good, not long.", "The film is good.", "Not good and not funny."])
def test_a_negation_elsewhere_is_not_found(text):
    assert find_negated(Sentence(text)) is None
