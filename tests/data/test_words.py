"""Different words are counted, with those that a vocabulary knows; punctuation is no word."""

import numpy as np
import pytest

from sentiment.data.words import (
    FUNCTION_WORD,
    PUNCTUATION,
    SYMBOL,
    WORD,
    WordCount,
    count_words,
    token_kinds,
)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("film", WORD),
        ("n't", WORD),
        ("Der", FUNCTION_WORD),
        ("é", FUNCTION_WORD),
        ("Отличный", WORD),
        ("最高", WORD),
        ("10/10", SYMBOL),
        ("2", SYMBOL),
        ("👎", SYMBOL),
        (":(", SYMBOL),
        ("!", PUNCTUATION),
        ("...", PUNCTUATION),
        ("…", PUNCTUATION),
        ("$", PUNCTUATION),
    ],
)
def test_what_kind_of_token_it_is(form, kind):
    assert token_kinds([form]).tolist() == [kind]


def count(ids, kinds, written=None):
    """The count of a review, which is the same between two others."""
    ids, kinds = np.array(ids), np.array(kinds)
    written = ids if written is None else np.array(written)
    (found,) = count_words(np.arange(len(ids)), ids, written, kinds, lengths_N=np.array([len(ids)]))
    ids, written = (np.concatenate([[7, 1], own, [7, 1]]) for own in (ids, written))
    kinds = np.concatenate([[WORD, SYMBOL], kinds, [WORD, SYMBOL]])
    lengths_N = np.array([2, len(ids) - 4, 2])
    among_others = count_words(np.arange(len(ids)), ids, written, kinds, lengths_N=lengths_N)
    assert among_others == [WordCount(1, 1, 1), found, WordCount(1, 1, 1)]
    return found


def test_a_repeated_word_counts_once_and_unknown_words_count_by_their_form():
    assert count([5, 5, 1, 1, 9_000], [WORD] * 5) == WordCount(words=4, known=2, common=1)


def test_a_misspelt_word_is_known_and_never_common():
    assert count([5, 6, 6], [WORD] * 3, written=[5, 1, 6]) == WordCount(words=3, known=3, common=2)


def test_function_words_of_other_languages_count_unless_the_vocabulary_has_them_often():
    kinds = [FUNCTION_WORD] * 5 + [WORD]
    assert count([5, 1, 1, 9_000, 9_000, 1], kinds) == WordCount(words=5, known=2, common=1, foreign=3)


def test_numbers_and_emoji_count_only_without_words():
    assert count([5, 1], [SYMBOL, WORD]) == WordCount(words=1, known=0, common=0)
    assert count([5, 1, 7], [SYMBOL, SYMBOL, PUNCTUATION]) == WordCount(words=2, known=1, common=1)


def test_punctuation_never_counts():
    assert count([5, 7], [PUNCTUATION] * 2) == WordCount(words=0, known=0, common=0)
