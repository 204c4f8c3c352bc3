"""Tell words from other tokens, and count the different words of a review that a vocabulary knows."""

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
    forms_T: np.ndarray, ids_T: np.ndarray, written_ids_T: np.ndarray, kinds_T: np.ndarray
) -> WordCount:
    """Count different words; `forms_T` are numbers of token forms, `ids_T` their ids in the vocabulary.

    `written_ids_T` are the ids as written: a misspelt word is unknown. It counts as known, but not as common,
    because foreign words look like slips, too.
    """
    counted_T = (kinds_T >= WORD) if (kinds_T >= WORD).any() else (kinds_T == SYMBOL)
    # Words that are unknown as they are written share one id, so their forms tell them apart.
    written_W = written_ids_T[counted_T]
    distinct, places = np.unique(
        np.where(written_W == UNKNOWN_ID, -1 - forms_T[counted_T], written_W), return_index=True
    )
    is_known = ids_T[counted_T][places] > UNKNOWN_ID
    is_common = (distinct > UNKNOWN_ID) & (distinct <= UNKNOWN_ID + COMMON_WORDS)
    is_function_word = kinds_T[counted_T][places] == FUNCTION_WORD
    return WordCount(
        words=len(distinct),
        known=int(is_known.sum()),
        common=int(is_common.sum()),
        foreign=int((is_function_word & ~is_common).sum()),
    )


def _token_kind(form: str) -> int:
    if any(map(str.isalpha, form)):
        return FUNCTION_WORD if form.lower() in FUNCTION_WORDS else WORD
    is_emoticon = len(set(form)) > 1
    is_emoji = not form.isascii() and any(unicodedata.category(character)[0] == "S" for character in form)
    return SYMBOL if is_emoticon or is_emoji or any(map(str.isdigit, form)) else PUNCTUATION
