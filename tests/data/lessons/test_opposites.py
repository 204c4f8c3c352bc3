"""Texts that are turned round, and the list of opinion words."""

import random

import pytest

from sentiment.data.lessons.opposites import fit_article, turn_ratings, turn_round
from sentiment.data.lessons.wordlist import word_list


def turned(text: str, seed: int = 1) -> str:
    return turn_round(text, word_list().find(text), random.Random(seed))


def words_of(text: str) -> list[str]:
    return [hit.word for hit in word_list().find(text)]


def test_no_word_of_the_list_is_praise_and_complaint():
    """A word of both sides would be its own opposite."""
    words = word_list()
    for word, opposites in words.opposites.items():
        assert {words.is_good[opposite] for opposite in opposites} == {not words.is_good[word]}, word


def test_every_exception_is_about_a_word_of_the_list():
    words = word_list()
    assert words.weak | words.exceptions.keys() <= words.is_good.keys()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A great film with a dull ending.", ["great", "dull"]),
        ("The bad guys are after a great deal of money.", []),
        ("It is highly recommended.", ["highly recommended"]),
        ("A love story, and I love it.", ["love"]),
        ("GREAT!", ["great"]),
        ("", []),
    ],
)
def test_words_are_found_where_they_are_opinions(text, found):
    assert words_of(text) == found


def test_a_turned_text_has_only_opinions_of_the_other_side():
    text = "A brilliant cast, a clever script and the best score of the year. I loved it."
    for seed in range(20):
        sides = {hit.is_good for hit in word_list().find(turned(text, seed))}
        assert sides == {False}, turned(text, seed)


def test_the_rest_of_a_turned_text_stays():
    before, after = "Ann and I saw it in Rome; ", " at the end."
    assert turned(before + "superb" + after).startswith(before)
    assert turned(before + "superb" + after).endswith(after)


def test_a_replaced_word_keeps_its_case():
    assert turned("SUPERB").isupper()
    assert turned("Superb acting.")[0].isupper()
    assert turned("superb acting.")[0].islower()


@pytest.mark.parametrize(
    ("before", "word", "fitted"),
    [
        ("It is a ", "awful", "It is an "),
        ("An ", "great", "A "),
        ("an ", "useless", "a "),
        ("This is the ", "awful", "This is the "),
        ("a ", "hour", "an "),
    ],
)
def test_the_article_fits_the_new_word(before, word, fitted):
    assert fit_article(before, word) == fitted


@pytest.mark.parametrize(
    ("rating", "turned_rating"),
    [
        *(("9/10", "2/10"), ("1 out of 10", "10 out of 10"), ("5/5", "1/5"), ("24/7", "24/7")),
        *(("11/10", "11/10"), ("0/10", "10/10"), ("7.5/10", "3.5/10"), ("9.5 out of 10", "1.5 out of 10")),
        *(("-1/10", "-1/10"), ("9/10/2001", "9/10/2001"), ("12/9/10", "12/9/10")),
    ],
)
def test_a_rating_is_turned_round(rating, turned_rating):
    assert turn_ratings(f"I give it {rating}.") == f"I give it {turned_rating}."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We met Jean Smart there.", []),
        ("I saw The Incredible Journey twice.", []),
        ("Great cast and a GREAT plot.", ["great", "great"]),
        ('"Superb" says it all.', ["superb"]),
    ],
)
def test_a_word_of_a_name_has_no_opinion(text, words):
    assert words_of(text) == words
