"""Batches: every review once, within the limits, little padding; seed and epoch decide the order."""

import itertools
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config import BatchSettings, TextSettings, VocabularySettings
from sentiment.data.batches import (
    EncodedReviews,
    collate,
    cut,
    cut_lengths,
    shuffled_batches,
    sorted_batches,
)
from sentiment.data.ids import UNKNOWN_ID
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary

lengths_of_reviews = st.builds(
    lambda seed, longest, count: np.random.default_rng(seed).integers(1, longest + 1, size=count),
    seed=st.integers(0, 999),
    longest=st.integers(1, 60),
    count=st.integers(1, 150),
)
limits = st.builds(BatchSettings, tokens=st.integers(1, 200), reviews=st.integers(0, 12))


def padding_waste(lengths_N, batches):
    """Padding as a share of the real tokens."""
    padded = sum(len(batch) * int(lengths_N[list(batch)].max()) for batch in batches)
    return padded / int(lengths_N.sum()) - 1


@pytest.fixture(scope="module")
def imdb_lengths():
    """25,000 lengths spread like IMDB's: median about 200, cut at 400."""
    drawn = np.random.default_rng(3).lognormal(mean=5.35, sigma=0.65, size=25_000)
    return np.clip(drawn.astype(np.int64), 10, 400)


def assert_within(batches, lengths_N, limit):
    """Each index once; each batch within the limits, unless it is one review."""
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths_N)))
    for batch in batches:
        assert batch
        assert len(batch) == 1 or len(batch) * lengths_N[batch].max() <= limit.tokens
        assert not limit.reviews or len(batch) <= limit.reviews


@settings(derandomize=True, deadline=None, max_examples=200)
@given(lengths_N=lengths_of_reviews, limit=limits, seed=st.integers(0, 3), epoch=st.integers(0, 3))
def test_each_review_is_in_one_batch_within_the_limits(lengths_N, limit, seed, epoch):
    assert_within(shuffled_batches(lengths_N, limit, seed, epoch), lengths_N, limit)
    assert_within(sorted_batches(lengths_N, limit), lengths_N, limit)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(lengths_N=lengths_of_reviews, limit=limits)
def test_sorted_batches_go_from_the_shortest_to_the_longest(lengths_N, limit):
    ranges = [sorted(lengths_N[batch].tolist()) for batch in sorted_batches(lengths_N, limit)]
    assert [length for lengths in ranges for length in lengths] == sorted(lengths_N.tolist())


def test_a_limit_of_reviews_is_reached():
    lengths_N = np.full(64, 3)
    for reviews in (5, 7, 8, 20, 30):
        batches = sorted_batches(lengths_N, BatchSettings(tokens=100, reviews=reviews))
        assert max(map(len, batches)) == reviews
    assert max(map(len, sorted_batches(lengths_N, BatchSettings(tokens=100)))) == 33


def test_the_order_is_a_function_of_seed_and_epoch_alone():
    lengths_N = np.random.default_rng(0).integers(1, 50, size=300)
    limit = BatchSettings(tokens=200)
    first = {
        (seed, epoch): shuffled_batches(lengths_N, limit, seed, epoch) for seed in (1, 2) for epoch in (0, 1)
    }
    random.seed(99)
    torch.manual_seed(99)
    np.random.seed(99)
    states = random.getstate(), torch.get_rng_state()
    for (seed, epoch), batches in reversed(first.items()):
        assert shuffled_batches(lengths_N, limit, seed, epoch) == batches
    assert random.getstate() == states[0] and torch.equal(torch.get_rng_state(), states[1])
    orders = {str(batches) for batches in first.values()}
    assert len(orders) == 4
    assert shuffled_batches(lengths_N, limit, 1, 12) != shuffled_batches(lengths_N, limit, 11, 2)


def test_the_order_is_shuffled_between_the_pools(imdb_lengths):
    batches = shuffled_batches(imdb_lengths, BatchSettings(), 1, 0)
    longest = [int(imdb_lengths[batch].max()) for batch in batches]
    rising = sum(first <= second for first, second in itertools.pairwise(longest))
    assert 0.4 < rising / len(batches) < 0.6


def test_padding_waste_is_small_on_lengths_like_imdbs(imdb_lengths):
    batches = shuffled_batches(imdb_lengths, BatchSettings(), 1, 0)
    assert padding_waste(imdb_lengths, batches) < 0.05
    assert padding_waste(imdb_lengths, sorted_batches(imdb_lengths, BatchSettings())) < 0.05
    unsorted = np.array_split(np.arange(len(imdb_lengths)), len(batches))
    assert padding_waste(imdb_lengths, unsorted) > 0.5


def test_padding_waste_is_padding_over_tokens():
    assert padding_waste(np.array([1, 3, 5, 5]), [[0, 1], [2, 3]]) == pytest.approx(2 / 14)


# --- cutting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "tail", "kept"),
    [
        (2, 3, [0, 1, 7, 8, 9]),
        (4, 0, [0, 1, 2, 3]),
        (0, 4, [6, 7, 8, 9]),
        (5, 5, list(range(10))),
        (20, 30, list(range(10))),
        (0, 0, list(range(10))),
    ],
)
def test_a_cut_keeps_head_and_tail(head, tail, kept):
    text = TextSettings(head=head, tail=tail)
    assert cut(np.arange(10), text).tolist() == kept
    assert cut_lengths(np.array([10, 1]), text).tolist() == [len(kept), 1]


@settings(derandomize=True, deadline=None)
@given(length=st.integers(1, 40), head=st.integers(0, 25), tail=st.integers(0, 25))
def test_cut_lengths_are_the_lengths_that_cut_leaves(length, head, tail):
    text = TextSettings(head=head, tail=tail)
    kept = cut(np.arange(length), text)
    assert len(kept) == cut_lengths(np.array([length]), text)[0]
    assert (np.diff(kept) > 0).all()
    if head + tail:
        assert kept[:head].tolist() == list(range(min(head, length)))
        assert tail == 0 or kept[-1] == length - 1


# --- collating -----------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None)
@given(reviews=st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=9))
def test_collate_pads_the_end_with_0(reviews):
    batch = collate([np.array(review) for review in reviews])
    longest = max(map(len, reviews))
    assert batch.tokens_BT.tolist() == [review + [0] * (longest - len(review)) for review in reviews]
    assert batch.lengths_B.tolist() == [len(review) for review in reviews]
    assert batch.tokens_BT.dtype == batch.lengths_B.dtype == torch.int64


def test_collate_keeps_channels_apart():
    batch = collate([np.array([[1, 2], [3, 4]]), np.array([[5, 6]])])
    assert batch.tokens_BT.tolist() == [[[1, 2], [3, 4]], [[5, 6], [0, 0]]]
    assert batch.lengths_B.tolist() == [2, 1]


def test_all_parts_of_a_batch_move_to_the_device():
    batch = collate([np.array([1, 2])]).to(torch.device("meta"))
    assert batch.tokens_BT.device.type == batch.lengths_B.device.type == "meta"


# --- encoded reviews -----------------------------------------------------------------------------------


@pytest.fixture
def tokens():
    """Three reviews: `a b c d e`, `e`, `a a new`; the vocabulary is counted on the first two."""
    return Tokens(
        ["a", "b", "c", "d", "e", "new"],
        np.array([0, 1, 2, 3, 4, 4, 0, 0, 5], dtype=np.int32),
        np.array([0, 5, 6, 9]),
    )


def encode(tokens, head=0, tail=0, positions=None):
    settings = VocabularySettings(min_frequency=1)
    vocabulary = Vocabulary.build(tokens, np.array([0, 1]), settings)
    (channel,) = vocabulary.channels
    chosen = None if positions is None else np.array(positions)
    return EncodedReviews(tokens, vocabulary, TextSettings(head=head, tail=tail), chosen), channel.words


def test_reviews_are_looked_up_and_cut(tokens):
    whole, words = encode(tokens)
    assert [[words[i] for i in whole[index]] for index in range(3)] == [
        ["a", "b", "c", "d", "e"],
        ["e"],
        ["a", "a", "<unk>"],
    ]
    assert whole[2][-1] == UNKNOWN_ID
    short, words = encode(tokens, head=1, tail=2)
    assert [words[i] for i in short[0]] == ["a", "d", "e"]
    assert (short.lengths_N.tolist(), short.whole_lengths_N.tolist()) == ([3, 1, 3], [5, 1, 3])


def test_positions_choose_reviews_in_their_order(tokens):
    chosen, words = encode(tokens, positions=[2, 0])
    assert len(chosen) == 2 and chosen.lengths_N.tolist() == [3, 5]
    assert [words[i] for i in chosen[1]] == ["a", "b", "c", "d", "e"]
    batch = chosen.batch([1, 0])
    assert batch.lengths_B.tolist() == [5, 3]
    assert batch.tokens_BT[1, :3].tolist() == chosen[0].tolist()
