"""Everyday opinions and typing errors."""

import random
import tomllib
from importlib import resources
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.data import lessons
from sentiment.data.lessons.everyday import write_everyday
from sentiment.data.lessons.kinds import EVERYDAY_SHARES
from sentiment.data.lessons.typos import misspell


def texts(kind: str, count: int = 400) -> list[tuple[str, float]]:
    return list(islice(write_everyday(kind, random.Random(1)), count))


@pytest.mark.parametrize("kind", EVERYDAY_SHARES)
def test_every_slot_is_filled(kind):
    for text, _ in texts(kind, 2_000):
        assert "{" not in text and "}" not in text and "  " not in text, text
        assert text.strip()


@pytest.mark.parametrize("kind", [kind for kind in EVERYDAY_SHARES if kind != "neutral"])
def test_praise_and_complaint_are_as_frequent(kind):
    labels = [label for _, label in texts(kind)]
    assert labels.count(1.0) == labels.count(0.0) == len(labels) / 2


def test_a_neutral_text_is_neither():
    assert {label for _, label in texts("neutral")} == {0.5}


@pytest.mark.parametrize("kind", ["plain", "negation", "contrast"])
def test_no_word_of_a_wording_of_both_sides_tells_the_label(kind):
    """Such wordings are filled with words of the other side: the same words are in praise and complaint."""
    words: dict[float, set[str]] = {0.0: set(), 1.0: set()}
    for text, label in texts(kind, 6_000):
        words[label] |= set(text.lower().split())
    for cue in {
        "plain": ["overall", "such"],
        "negation": ["not", "hardly", "far"],
        "contrast": ["but", "yet"],
    }[kind]:
        assert all(cue in words[label] for label in words), cue


def test_no_face_is_praise_and_complaint():
    lists = tomllib.loads(resources.files(lessons).joinpath("everyday.toml").read_text(encoding="utf-8"))
    assert not set(lists["smiles"]) & set(lists["frowns"])


@pytest.mark.parametrize("kind", EVERYDAY_SHARES)
def test_articles_fit(kind):
    for text, _ in texts(kind, 2_000):
        padded = f" {text.lower()}"
        assert " a awful" not in padded and " a amazing" not in padded and " an good" not in padded, text


@given(st.text(alphabet="abcdefgh '.,!?", max_size=60), st.integers(0, 2**32))
def test_misspelling_never_fails_and_follows_from_the_seed(text, seed):
    assert misspell(text, random.Random(seed)) == misspell(text, random.Random(seed))


@pytest.mark.parametrize("word", ["Y\u0131ld\u0131z", "KAD\u0130R", "actre\u017fs"])
def test_a_letter_that_no_key_of_the_keyboard_has_may_stay(word):
    """Without case such letters count as a to z."""
    for seed in range(50):
        assert misspell(word, random.Random(seed))


def test_a_misspelt_text_has_a_slip_and_stays_readable():
    original = "The acting is wonderful"
    changed = {misspell(original, random.Random(seed)).lower() for seed in range(50)}
    assert len(changed) > 20
    for text in changed - {original.lower()}:
        assert text.startswith("the ")
