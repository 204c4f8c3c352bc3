"""Each review is in one slice of a kind; shares and intervals are checked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import TextSettings, VocabularySettings
from sentiment.data.batches import EncodedReviews
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary
from sentiment.evaluation.metrics import wilson_interval
from sentiment.evaluation.slices import slice_accuracy

SETTINGS = VocabularySettings(min_frequency=1)


def encoded(*texts: str, head: int = 0, tail: int = 0) -> EncodedReviews:
    """Reviews of space-separated tokens; the vocabulary holds `known` alone."""
    words = [text.split() for text in texts]
    forms = sorted({word for review in words for word in review} | {"known"})
    lengths = [len(review) for review in words]
    ids = np.array([forms.index(word) for review in words for word in review], dtype=np.int32)
    tokens = Tokens(forms, ids, np.concatenate([[0], np.cumsum(lengths)]))
    known = Tokens(["known"], np.zeros(1, dtype=np.int32), np.array([0, 1]))
    vocabulary = Vocabulary.build(known, np.array([0]), SETTINGS, ())
    return EncodedReviews(tokens, vocabulary, TextSettings(head=head, tail=tail))


def test_by_hand():
    reviews = encoded("known " * 2, "known new", "known " * 3, "new " * 6, head=2, tail=2)
    by = {
        slicing.by: slicing.slices for slicing in slice_accuracy(reviews, np.array([True, False, True, True]))
    }
    assert [(part.name, part.reviews, part.accuracy) for part in by["read"]] == [
        ("whole", 3, 2 / 3),
        ("cut", 1, 1),
    ]
    assert (by["read"][0].low, by["read"][0].high) == wilson_interval(2, 3)
    assert [(part.name, part.reviews, part.accuracy) for part in by["tokens"]] == [
        ("2", 2, 0.5),
        ("3", 1, 1),
        ("6", 1, 1),
    ]
    shares = [(part.name, part.reviews, part.accuracy) for part in by["unknown words"]]
    assert shares == [("0.0%", 2, 1), ("50.0%", 1, 0), ("100.0%", 1, 1)]


def test_fifths_are_about_equal_and_in_order():
    reviews = encoded(*("known " * length for length in range(1, 101)))
    lengths = slice_accuracy(reviews, np.ones(100, dtype=bool))[0].slices
    assert [part.name for part in lengths] == ["1 to 21", "22 to 41", "42 to 61", "62 to 81", "82 to 100"]
    assert all(part.reviews in (19, 20, 21) for part in lengths)


def test_without_a_cut_review_there_is_one_slice():
    whole = encoded("known", "known known")
    (read,) = (slicing for slicing in slice_accuracy(whole, np.array([True, True])) if slicing.by == "read")
    assert [(part.name, part.reviews) for part in read.slices] == [("whole", 2)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_each_review_is_in_one_slice_of_each_kind(drawn):
    reviews = encoded(
        *(("known " if known else "new ") * length for length, known, _ in drawn), head=5, tail=5
    )
    right_N = np.array([right for *_, right in drawn])
    for slicing in slice_accuracy(reviews, right_N):
        assert sum(part.reviews for part in slicing.slices) == len(drawn)
        assert sum(part.reviews * part.accuracy for part in slicing.slices) == pytest.approx(right_N.sum())
        assert all(0 <= part.low <= part.accuracy <= part.high <= 1 for part in slicing.slices)
        assert len(slicing.slices) <= 5
