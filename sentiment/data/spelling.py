"""Find known words that are spelt like a new one, so that its embedding can start near theirs.

Source of the idea that a word's meaning is in its parts: Bojanowski et al. 2017 (fastText).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

PART_LENGTH = 3  # letters
LIKE = 0.5  # the least similarity of two words that are alike: the share of their parts that both have


class SpeltAlike(NamedTuple):
    """Pairs of a new and a known word that are spelt alike."""

    new_P: np.ndarray
    """int64: the place of the new word."""
    known_P: np.ndarray
    """int64: the place of the known word."""
    similarity_P: np.ndarray
    """float64 from `LIKE` to 1: twice the parts that both have, over all parts (Dice's coefficient)."""


def find_spelt_alike(new: Sequence[str], known: Sequence[str]) -> SpeltAlike:
    """Return every pair of a new and a known word that are spelt alike; some words have no such pair."""
    place_of_part: dict[str, int] = {}
    known_parts, new_parts = (_count_parts(words, place_of_part) for words in (known, new))
    known_parts.resize(len(known), len(place_of_part))
    both = (new_parts @ known_parts.T).tocoo()
    sizes = new_parts.sum(axis=1).A1[both.row] + known_parts.sum(axis=1).A1[both.col]
    similarity_P = 2 * both.data / sizes
    alike = similarity_P >= LIKE
    return SpeltAlike(both.row[alike].astype(np.int64), both.col[alike].astype(np.int64), similarity_P[alike])


def _count_parts(words: Sequence[str], place_of_part: dict[str, int]) -> Any:
    """Return a scipy matrix (words, parts) with 1 for each part of a word; new parts get a place."""
    from scipy.sparse import csr_matrix

    rows, places = [], []
    for row, word in enumerate(words):
        for part in _parts(word):
            rows.append(row)
            places.append(place_of_part.setdefault(part, len(place_of_part)))
    return csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(words), len(place_of_part)))


def _parts(word: str) -> set[str]:
    """Return the runs of three letters of a word; its ends count as letters."""
    marked = f"<{word}>"
    return {marked[start : start + PART_LENGTH] for start in range(max(1, len(marked) - PART_LENGTH + 1))}
