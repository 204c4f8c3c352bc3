"""N-grams as numbers, and the logit of a review from them, the same in every batch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sentiment.data.ids import PADDING_ID, UNKNOWN_ID
from sentiment.models.evidence import LONGEST_NGRAM, NO_NGRAM, NGramEvidence, distinct_ngrams

WORDS = 7  # ids, the two special ones counted
KNOWN = range(UNKNOWN_ID + 1, WORDS)

thoroughly = settings(max_examples=80, deadline=None, derandomize=True)
reviews_of_a_batch = st.lists(
    st.lists(st.integers(UNKNOWN_ID, WORDS - 1), min_size=1, max_size=12), min_size=1, max_size=4
)


def collate(reviews: list[list[int]], padding: int = 0) -> Tensor:
    width = max(map(len, reviews)) + padding
    return torch.tensor([review + [PADDING_ID] * (width - len(review)) for review in reviews])


def ngrams_of(review: list[int]) -> set[tuple[int, ...]]:
    """Return every sequence of one to three known words."""
    runs = {
        tuple(review[start : start + length])
        for length in (1, 2, 3)
        for start in range(len(review) - length + 1)
    }
    return {run for run in runs if UNKNOWN_ID not in run}


def key_of(ngram: tuple[int, ...], words: int = WORDS) -> int:
    """Return the number whose digits are the ids."""
    return sum(word * words**place for place, word in enumerate(reversed(ngram)))


ALL_NGRAMS = sorted(
    {
        ngram
        for one in KNOWN
        for two in KNOWN
        for three in KNOWN
        for ngram in [(one,), (one, two), (one, two, three)]
    },
    key=key_of,
)


# --- n-grams -------------------------------------------------------------------------------------------


@thoroughly
@given(reviews=reviews_of_a_batch, padding=st.integers(0, 5))
def test_the_distinct_ngrams_equal_a_plain_set(reviews: list[list[int]], padding: int) -> None:
    """Each appears once, in ascending order, without unknown words and padding."""
    for review, row in zip(reviews, distinct_ngrams(collate(reviews, padding), WORDS).tolist(), strict=True):
        assert [key for key in row if key != NO_NGRAM] == sorted(map(key_of, ngrams_of(review)))


def test_every_ngram_has_its_own_key() -> None:
    keys = [key_of(ngram) for ngram in ALL_NGRAMS]
    assert len(set(keys)) == len(ALL_NGRAMS) == 5 + 5**2 + 5**3
    assert NO_NGRAM not in keys and max(map(len, ALL_NGRAMS)) == LONGEST_NGRAM


@thoroughly
@given(ids=st.lists(st.integers(UNKNOWN_ID, 1_999_999), min_size=3, max_size=6))
def test_keys_hold_two_million_words(ids: list[int]) -> None:
    found = distinct_ngrams(torch.tensor([ids]), 2_000_000)[0]
    assert sorted(set(found.tolist()) - {NO_NGRAM}) == sorted(
        key_of(ngram, 2_000_000) for ngram in ngrams_of(ids)
    )


# --- the logit -----------------------------------------------------------------------------------------


def new_evidence(kept: list[tuple[int, ...]], room: int = 4) -> NGramEvidence:
    """Return random weights for the n-grams in `kept`, and `room` unused places."""
    generator = torch.Generator().manual_seed(3)
    evidence = NGramEvidence(len(kept) + room, WORDS)
    evidence.keys_G[: len(kept)] = torch.tensor(sorted(map(key_of, kept)), dtype=torch.int64)
    evidence.weights_G[: len(kept)] = 3 * torch.randn(len(kept), generator=generator)
    evidence.squares_G[: len(kept)] = 1 + 9 * torch.rand(len(kept), generator=generator)
    evidence.bias.fill_(0.25)
    return evidence


EVIDENCE = new_evidence(ALL_NGRAMS[::2])


@thoroughly
@given(reviews=reviews_of_a_batch, padding=st.integers(0, 9))
def test_a_logit_is_the_sum_of_the_weights_by_the_norm(reviews: list[list[int]], padding: int) -> None:
    """This holds in every batch and with any padding."""
    place_of = {key: place for place, key in enumerate(EVIDENCE.keys_G.tolist())}
    together = EVIDENCE(collate(reviews, padding))
    assert together.shape == (len(reviews),) and together.dtype == torch.float32
    for review, logit in zip(reviews, together.tolist(), strict=True):
        places = [place_of[key] for key in map(key_of, ngrams_of(review)) if key in place_of]
        norm = math.sqrt(sum(EVIDENCE.squares_G[places].tolist()))
        expected = 0.25 + (sum(EVIDENCE.weights_G[places].tolist()) / norm if places else 0)
        assert logit == pytest.approx(expected, abs=1e-5)
        assert logit == pytest.approx(float(EVIDENCE(collate([review]))), abs=1e-6)


@pytest.mark.parametrize("review", [[UNKNOWN_ID], [UNKNOWN_ID, UNKNOWN_ID], [WORDS - 1], [3, 4, 5]], ids=str)
def test_a_review_without_an_ngram_that_counts_has_the_bias(review: list[int]) -> None:
    evidence = new_evidence([(4, 3), (2, 2, 2)])
    assert float(evidence(collate([review], padding=2))) == 0.25


def test_each_of_more_classes_has_its_own_weights_and_contributions() -> None:
    """Column by column as evidence of two classes with these weights."""
    columns = [new_evidence(ALL_NGRAMS[::2]) for _ in range(3)]
    together = NGramEvidence(len(EVIDENCE.keys_G), WORDS, classes=3)
    together.keys_G.copy_(EVIDENCE.keys_G)
    together.squares_G.copy_(EVIDENCE.squares_G)
    for number, own in enumerate(columns):
        own.weights_G.mul_(number + 1)
        together.weights_G[:, number] = own.weights_G
        together.bias[number] = own.bias
    tokens_BT = collate([[2, 3, 4, 5, 6, 2, 2], [6, 5, 4], [UNKNOWN_ID]], padding=2)
    torch.testing.assert_close(together(tokens_BT), torch.stack([own(tokens_BT) for own in columns], dim=1))
    first = tokens_BT[:1, :7]
    expected = torch.stack([own.contributions(first) for own in columns], dim=1)
    torch.testing.assert_close(together.contributions(first), expected)


def test_new_evidence_gives_logits_of_zero() -> None:
    assert NGramEvidence(5, WORDS)(collate([[2, 3, 4], [6]])).tolist() == [0, 0]


def test_the_state_of_evidence_loads_again() -> None:
    other = NGramEvidence(len(EVIDENCE.keys_G), WORDS)
    other.load_state_dict(EVIDENCE.state_dict())
    tokens_BT = collate([[2, 3, 4, 5, 6, 2, 2], [6, 5, 4]])
    assert torch.equal(other(tokens_BT), EVIDENCE(tokens_BT))
    assert not EVIDENCE.bias.requires_grad and list(EVIDENCE.parameters()) == []
