"""Count the n-grams of many reviews and number them; no more than one copy of their keys is in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch

from sentiment.models.evidence import NO_NGRAM, UNUSED, distinct_ngrams

REVIEWS_IN_A_PIECE = 2048
RANGES = 8  # of keys, counted one after the other: a count takes as much memory again as the keys it counts


class CountedNGrams(NamedTuple):
    """Some n-grams, ascending by key."""

    keys_G: np.ndarray
    frequencies_G: np.ndarray
    """How many reviews each occurs in."""


class KeysOfReviews(NamedTuple):
    """The keys of the distinct n-grams of a few reviews."""

    keys_X: np.ndarray
    """int64, one review after the other, ascending in each."""
    lengths_N: np.ndarray
    """int64: how many each review has."""


@dataclass(frozen=True)
class NGramCells:
    """Which n-grams each review has: a sparse matrix of (reviews, n-grams) without values."""

    columns_X: np.ndarray
    """int32: the places of its n-grams, one review after the other, ascending in each."""
    starts_N: np.ndarray
    """int64, one more than there are reviews: where each begins, and where the last one ends."""
    ngrams: int

    def keep(self, kept_G: np.ndarray) -> "NGramCells":
        """Return the cells of the n-grams for which `kept_G` (bool) is true."""
        places_G = np.cumsum(kept_G, dtype=np.int32) - 1
        kept_X = kept_G[self.columns_X]
        ends_X = np.concatenate([[0], np.cumsum(kept_X, dtype=np.int32)])
        return NGramCells(places_G[self.columns_X[kept_X]], ends_X[self.starts_N], int(kept_G.sum()))

    def matrix(self, values_X: np.ndarray) -> Any:
        """Return a scipy matrix of these values, which shares their memory."""
        from scipy.sparse import csr_matrix

        shape = (len(self.starts_N) - 1, self.ngrams)
        return csr_matrix((values_X, self.columns_X, self.starts_N), shape=shape, copy=False)


def read_keys(reviews: Iterable[np.ndarray], words: int) -> list[KeysOfReviews]:
    """Return the n-grams of encoded reviews, a few thousand reviews at a time."""
    pieces, keys = [], []
    for tokens_T in reviews:
        keys_1N = distinct_ngrams(torch.from_numpy(tokens_T)[None], words).numpy()
        keys.append(keys_1N[keys_1N != NO_NGRAM])
        if len(keys) == REVIEWS_IN_A_PIECE:
            pieces.append(_join(keys))
            keys = []
    return [*pieces, _join(keys)] if keys else pieces


def _join(keys: list[np.ndarray]) -> KeysOfReviews:
    return KeysOfReviews(np.concatenate(keys), np.array([len(own) for own in keys]))


def count_common(pieces: list[KeysOfReviews], least: int) -> CountedNGrams:
    """Return the n-grams of at least `least` reviews."""
    counted = [CountedNGrams(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for low, high in pairwise(_divide_keys(pieces)):
        parts = [keys_X[(low <= keys_X) & (keys_X < high)] for keys_X, _ in pieces]
        keys_G, frequencies_G = np.unique(np.concatenate(parts), return_counts=True)
        common = frequencies_G >= least
        counted.append(CountedNGrams(keys_G[common], frequencies_G[common]))
    return CountedNGrams(*(np.concatenate(column) for column in zip(*counted, strict=True)))


def _divide_keys(pieces: list[KeysOfReviews]) -> list[int]:
    """Return the limits of ranges that hold about as many n-grams each, judged by the first piece."""
    sorted_X = np.sort(pieces[0].keys_X)
    limits = sorted_X[:: len(sorted_X) // RANGES + 1]
    return [NO_NGRAM, *np.unique(limits).tolist(), UNUSED]


def number_cells(pieces: list[KeysOfReviews], keys_G: np.ndarray) -> NGramCells:
    """Return which of the n-grams `keys_G` (ascending) each review has; the list of pieces is used up."""
    known_G = np.append(keys_G, UNUSED)
    columns, lengths = [np.zeros(0, dtype=np.int32)], [np.zeros(1, dtype=np.int64)]
    while pieces:
        keys_X, lengths_N = pieces.pop(0)
        places_X = np.searchsorted(keys_G, keys_X)
        kept_X = known_G[places_X] == keys_X
        columns.append(places_X[kept_X].astype(np.int32))
        reviews_X = np.repeat(np.arange(len(lengths_N)), lengths_N)
        lengths.append(np.bincount(reviews_X[kept_X], minlength=len(lengths_N)))
    return NGramCells(np.concatenate(columns), np.cumsum(np.concatenate(lengths)), len(keys_G))
