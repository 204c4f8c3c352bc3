"""Tell words from other tokens, and count the different words of reviews that a vocabulary knows."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sentiment.data.ids import UNKNOWN_ID

PUNCTUATION, SYMBOL, WORD, FUNCTION_WORD = 0, 1, 2, 3
COMMON_WORDS = 2_000  # the most frequent words of a vocabulary
# Of languages in Latin script, without those that are English words too.
FUNCTION_WORDS_OF_LANGUAGES = """
    au aux avec ce cette dans de des du elle en est et était il je la le les mais ne nous pas que qui sont sur
    très une vous à été
    aber auf auch bei das dem der ein eine einen es für ich im ist mit nicht sehr sich sind und von wie zu
    como del el ella en es esta está este la las los muy más para por que su una y
    che della di gli il molto nel non questa questo sono una è
    com foi mas muito não os que uma é
    deze een en erg het ik maar niet ook voor zijn
"""
FUNCTION_WORDS = frozenset(FUNCTION_WORDS_OF_LANGUAGES.split())


class WordCount(NamedTuple):
    """How many different words a review has; its symbols and numbers if it has no words."""

    words: int
    known: int
    """Those in the vocabulary, and slips of these."""
    common: int
    """Those among its most frequent words."""
    foreign: int = 0
    """Function words of other languages: those that are not common in the vocabulary."""


def token_kinds(forms: Sequence[str]) -> np.ndarray:
    """Return int8 kinds of tokens: 0 is punctuation, 1 a number, an emoji or an emoticon, 2 a word, 3 a word
    such as `der` or `que`.
    """
    return np.fromiter(map(_token_kind, forms), dtype=np.int8, count=len(forms))


def count_words(
    forms_X: np.ndarray,
    ids_X: np.ndarray,
    written_ids_X: np.ndarray,
    kinds_X: np.ndarray,
    *,
    lengths_N: np.ndarray,
) -> list[WordCount]:
    """Count the different words of each review; the reviews follow each other.

    `forms_X` are numbers of token forms, `ids_X` their ids in the vocabulary. `written_ids_X` are the ids as
    written: a misspelt word is unknown. It counts as known, but not as common, because foreign words look
    like slips, too.
    """
    count = len(lengths_N)
    review_X = np.repeat(np.arange(count), lengths_N)
    is_word_X = kinds_X >= WORD
    has_words_N = np.bincount(review_X[is_word_X], minlength=count) > 0
    counted_X = np.where(has_words_N[review_X], is_word_X, kinds_X == SYMBOL)
    review_W, written_W = review_X[counted_X], written_ids_X[counted_X]
    # Words that are unknown as they are written share one id, so their forms tell them apart.
    words_W = np.where(written_W == UNKNOWN_ID, -1 - forms_X[counted_X], written_W)
    lowest = words_W.min(initial=0)
    keys_W = review_W * (words_W.max(initial=0) - lowest + 1) + words_W - lowest
    _, places = np.unique(keys_W, return_index=True)
    review_D, words_D = review_W[places], words_W[places]
    is_known = ids_X[counted_X][places] > UNKNOWN_ID
    is_common = (words_D > UNKNOWN_ID) & (words_D <= UNKNOWN_ID + COMMON_WORDS)
    is_foreign = (kinds_X[counted_X][places] == FUNCTION_WORD) & ~is_common
    counts = [
        np.bincount(review_D[which], minlength=count).tolist()
        for which in (slice(None), is_known, is_common, is_foreign)
    ]
    return [WordCount(*of_review) for of_review in zip(*counts, strict=True)]


def _token_kind(form: str) -> int:
    if any(map(str.isalpha, form)):
        return FUNCTION_WORD if form.lower() in FUNCTION_WORDS else WORD
    is_emoticon = len(set(form)) > 1
    is_emoji = not form.isascii() and any(unicodedata.category(character)[0] == "S" for character in form)
    return SYMBOL if is_emoticon or is_emoji or any(map(str.isdigit, form)) else PUNCTUATION
