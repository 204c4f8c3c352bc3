"""Tell words from other tokens, and count the different words of a review that a vocabulary knows."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sentiment.data.ids import UNKNOWN_ID

PUNCTUATION, SYMBOL, WORD = 0, 1, 2
COMMON_WORDS = 2_000  # the most frequent words of a vocabulary


class WordCount(NamedTuple):
    """How many different words a review has; its symbols and numbers if it has no words."""

    words: int
    known: int
    """Those in the vocabulary."""
    common: int
    """Those among its most frequent words."""


def token_kinds(forms: Sequence[str]) -> np.ndarray:
    """Return int8 kinds of tokens: 2 is a word, 1 a number, an emoji or an emoticon, 0 punctuation."""
    return np.fromiter(map(_token_kind, forms), dtype=np.int8, count=len(forms))


def count_words(forms_T: np.ndarray, ids_T: np.ndarray, kinds_T: np.ndarray) -> WordCount:
    """Count different words; `forms_T` are numbers of token forms, `ids_T` their ids in the vocabulary."""
    counted_T = kinds_T == (WORD if (kinds_T == WORD).any() else SYMBOL)
    ids_W = ids_T[counted_T]
    # Unknown words share one id, so their forms tell them apart.
    distinct = np.unique(np.where(ids_W == UNKNOWN_ID, -1 - forms_T[counted_T], ids_W))
    known = distinct[distinct > UNKNOWN_ID]
    return WordCount(len(distinct), len(known), int((known <= UNKNOWN_ID + COMMON_WORDS).sum()))


def _token_kind(form: str) -> int:
    if any(map(str.isalpha, form)):
        return WORD
    is_emoticon = len(set(form)) > 1
    is_emoji = not form.isascii() and any(unicodedata.category(character)[0] == "S" for character in form)
    return SYMBOL if is_emoticon or is_emoji or any(map(str.isdigit, form)) else PUNCTUATION
