"""Slips are read as the words that were meant; words of their own stay what they are."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.config import TextSettings, VocabularySettings
from sentiment.data.batches import EncodedReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.slips import find_meant_word
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.vocabulary import Vocabulary

KNOWN = ["so", "good", "god", "film", "terrible", "beautiful", "boring", "recommended", "because"]
KNOWN += ["excellent", "definitely", "best", "says"]
IDS = {word: place + 2 for place, word in enumerate(KNOWN)}


def meant(word):
    found = find_meant_word(word, IDS)
    return None if found is None else KNOWN[found - 2]


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("sooo", "so"),
        ("goooood", "good"),
        ("filmm", "film"),
        ("terible", "terrible"),
        ("terriblle", "terrible"),
        ("beautifull", "beautiful"),
        ("beatiful", "beautiful"),
        ("becuase", "because"),
        ("fiml", "film"),
        ("excelent", "excellent"),
        ("definately", "definitely"),
        ("recomended", "recommended"),
        ("recommeded", "recommended"),
        ("booooring", "boring"),
    ],
)
def test_what_people_type_is_read_as_what_they_mean(typed, word):
    assert meant(typed) == word


@pytest.mark.parametrize(
    "typed",
    [
        *("sass", "bess", "gold", "firm", "hoard", "goring"),  # words of their own
        "oring",  # the first letter is missing
        "dxfinatxly",  # two slips
        "Terible",  # not in lower case: a name, where case counts
        "térible",
        "123",
        "",
    ],
)
def test_a_word_that_is_no_slip_stays_unknown(typed):
    assert meant(typed) is None


def test_of_several_words_the_most_frequent_is_meant():
    assert meant("godo") == "good"
    assert meant("gooood") == "good"
    assert find_meant_word("beautifull", {"beautifuls": 9, "beautiful": 30, "beautifully": 4}) == 4


@given(st.text(string.ascii_lowercase + "é", min_size=0, max_size=12))
def test_whatever_is_typed_the_first_letter_and_nearly_the_length_stay(typed):
    word = meant(typed)
    assert word is None or (word[0] == typed[0] and len(word) <= len(typed) + 1)


@pytest.fixture
def tokens():
    return shared_tokenizer(TextRules()).tokenize_and_forget(
        ["Terrible film terrible film", "Terible fiml xyzzy"]
    )


def vocabulary(tokens, **settings):
    return Vocabulary.build(tokens, np.array([0]), VocabularySettings(min_frequency=1, **settings))


def test_a_slip_has_the_id_of_the_word_only_if_asked_for(tokens):
    for misspelt, unknown in ((False, [True, True, True]), (True, [False, False, True])):
        reviews = EncodedReviews(tokens, vocabulary(tokens, misspelt=misspelt), TextSettings())
        assert (reviews[1] == UNKNOWN_ID).tolist() == unknown
        (words,) = reviews.count_words([1])
        assert (words.known, words.common) == (unknown.count(False), 0)
    assert reviews[1][:2].tolist() == reviews[0][:2].tolist()


def test_slips_are_found_again_when_a_vocabulary_keeps_few_of_them(tokens, monkeypatch):
    monkeypatch.setattr("sentiment.data.vocabulary.MOST_KEPT_SLIPS", 1)
    words = vocabulary(tokens, misspelt=True)
    first = words.ids(tokens.forms)
    assert words.ids(tokens.forms).tolist() == first.tolist()


def test_a_vocabulary_that_is_read_again_reads_slips_alike(tokens):
    settings = VocabularySettings(min_frequency=1, misspelt=True)
    words = vocabulary(tokens, misspelt=True)
    again = Vocabulary.from_text(words.to_text(), settings)
    assert again.ids(tokens.forms).tolist() == words.ids(tokens.forms).tolist()
