"""Counting n-grams in pieces and numbering them, compared with counting all at once."""

import tracemalloc

import numpy as np
import pytest

from sentiment.config import EvidenceSettings
from sentiment.data.batches import LabelledReviews
from sentiment.models.evidence import NO_NGRAM
from sentiment.training import ngram_cells
from sentiment.training.evidence import fit_evidence
from sentiment.training.ngram_cells import count_common, number_cells, read_keys

WORDS = 12
NO_REVIEW = [np.zeros(0, dtype=np.int64)]


def write_reviews(count: int = 60) -> list[np.ndarray]:
    """Return reviews of a few ids, some unknown (1); the first one has no n-gram."""
    random = np.random.default_rng(6)
    return [
        np.array([1]),
        *(random.integers(1, WORDS, size=random.integers(1, 30)) for _ in range(count - 1)),
    ]


def ngrams_of(review: np.ndarray) -> set[int]:
    """Return the keys of a review's n-grams of known words, the slow way."""
    runs = [review[i : i + n].tolist() for n in (1, 2, 3) for i in range(len(review) - n + 1)]
    return {sum(word * WORDS**place for place, word in enumerate(run[::-1])) for run in runs if 1 not in run}


@pytest.mark.parametrize("in_a_piece", [1, 7, 60, 1000])
def test_ngrams_in_pieces_are_those_of_all_reviews(in_a_piece, monkeypatch):
    monkeypatch.setattr(ngram_cells, "REVIEWS_IN_A_PIECE", in_a_piece)
    reviews = write_reviews()
    found = [ngrams_of(review) for review in reviews]
    keys_G, frequencies_G = np.unique([key for own in found for key in sorted(own)], return_counts=True)
    pieces = read_keys(iter(reviews), WORDS)
    assert len(pieces) == -(-len(reviews) // in_a_piece) and NO_NGRAM not in keys_G
    common = count_common(pieces, 2)
    assert common.keys_G.tolist() == keys_G[frequencies_G > 1].tolist()
    assert common.frequencies_G.tolist() == frequencies_G[frequencies_G > 1].tolist()
    cells = number_cells(pieces, common.keys_G)
    assert not pieces and cells.columns_X.dtype == np.int32
    for kept in (cells, cells.keep(np.arange(cells.ngrams) % 3 > 0)):
        keys_K = common.keys_G if kept is cells else common.keys_G[np.arange(cells.ngrams) % 3 > 0]
        matrix = kept.matrix(np.ones(len(kept.columns_X)))
        expected = [[key in own for key in keys_K.tolist()] for own in found]
        assert matrix.toarray().tolist() == expected
        assert np.shares_memory(matrix.indices, kept.columns_X)


@pytest.mark.parametrize("reviews", [[np.array([1])], [np.array([1, 2])], NO_REVIEW])
def test_reviews_without_a_common_ngram_have_no_cells(reviews):
    pieces = read_keys(reviews, WORDS)
    common = count_common(pieces, 2)
    cells = number_cells(pieces, common.keys_G)
    assert len(common.keys_G) == len(cells.columns_X) == 0 and cells.starts_N.tolist() == [0, 0]


def test_the_evidence_is_fitted_in_little_more_memory_than_its_matrix_takes(monkeypatch):
    """That is 12 bytes a cell, and 20 while it is made. liblinear's copy, 16 bytes a cell, is not traced."""
    monkeypatch.setattr(ngram_cells, "REVIEWS_IN_A_PIECE", 50)
    random = np.random.default_rng(2)
    reviews = [random.integers(2, 60, size=300) for _ in range(400)]
    ngrams = sum(len(piece.keys_X) for piece in read_keys(reviews, 60))
    train = LabelledReviews(reviews, np.arange(400, dtype=np.int8) % 2)
    fit_evidence(
        LabelledReviews(reviews[:10], train.labels_N[:10]), 60, EvidenceSettings(), seed=1
    )  # imports
    tracemalloc.start()
    try:
        fit_evidence(train, 60, EvidenceSettings(size=1000), seed=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 35 * ngrams
