"""A review's logit does not depend on the other reviews of its batch.

`make test` tries every pair of choices on many batches, `make test-slow` every combination on two.
"""

from functools import cache
from itertools import combinations, product

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sentiment.models import lstm
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.merges import MERGES
from sentiment.models.readouts import READOUTS
from tests.designs import ENCODERS, WORDS, Design, new_network

TOLERANCE = 1e-5
DIRECTIONS = [(True, merge) for merge in MERGES] + [(False, "concat")]


DESIGNS = [Design(*choices) for choices in product(ENCODERS, READOUTS, DIRECTIONS, [1, 2], [2, 5])]


def choose_pairwise(designs: list[Design]) -> list[Design]:
    """Choose a few designs with every pair of choices; each adds as many new pairs as possible."""
    pairs = {design: set(combinations(enumerate(design), 2)) for design in designs}
    chosen, missing = [], set().union(*pairs.values())
    while missing:
        chosen.append(max(designs, key=lambda design: len(pairs[design] & missing)))
        missing -= pairs[chosen[-1]]
    return chosen


exactly = settings(max_examples=5, deadline=None, derandomize=True)
lengths_of_a_batch = st.lists(st.integers(1, 200), min_size=2, max_size=5)


new_model = cache(new_network)


def write_batch(reviews: list[Tensor], padding: int) -> tuple[Tensor, Tensor]:
    """Rows of one width. Padding is a word here, not 0: a model that reads it gives another logit."""
    lengths_B = torch.tensor([len(review) for review in reviews])
    width = int(lengths_B.max()) + padding
    tokens_BT = torch.full((len(reviews), width, *reviews[0].shape[1:]), WORDS - 1)
    for row, review in enumerate(reviews):
        tokens_BT[row, : len(review)] = review
    return tokens_BT, lengths_B


@torch.inference_mode()
def largest_deviation(network: LSTMClassifier, lengths: list[int], padding: int, seed: int) -> float:
    """The largest difference between a review's logits alone and in a batch, padded or in another order."""
    generator = torch.Generator().manual_seed(seed)
    channels = () if len(network.embeddings) == 1 else (len(network.embeddings),)
    reviews = [torch.randint(1, WORDS, (length, *channels), generator=generator) for length in lengths]
    alone_B = torch.cat([network(*write_batch([review], 0)) for review in reviews])
    order_B = torch.randperm(len(reviews), generator=generator)
    together_B = network(*write_batch(reviews, padding))
    shuffled_B = network(*write_batch([reviews[row] for row in order_B], 0))
    return max(float((together_B - alone_B).abs().max()), float((shuffled_B - alone_B[order_B]).abs().max()))


def name_design(design: Design) -> str:
    bidirectional, merge = design.direction
    direction = merge if bidirectional else "forward"
    return f"{design.encoder}-{design.readout}-{direction}-{design.layers}-{design.classes}"


@pytest.mark.parametrize("design", choose_pairwise(DESIGNS), ids=name_design)
def test_a_logit_does_not_depend_on_other_reviews(design: Design) -> None:
    assert_independent_of_company(new_model(design))


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=name_design)
def test_in_no_combination_a_logit_depends_on_other_reviews(design: Design) -> None:
    network = new_model(design)
    for lengths, padding in (([1, 200, 6, 7, 49], 13), ([12, 3, 28], 0)):
        assert largest_deviation(network, lengths, padding, seed=0) < TOLERANCE


@pytest.mark.parametrize("encoder", ["stacked", "hierarchical"])
@torch.inference_mode()
def test_the_logits_of_a_token_do_not_depend_on_other_reviews(encoder: str) -> None:
    """The tagger of five classes, token by token."""
    network = new_model(Design(encoder, "tokens", (True, "concat"), 1, classes=5))
    generator = torch.Generator().manual_seed(2)
    reviews = [torch.randint(1, WORDS, (length,), generator=generator) for length in (1, 40, 13)]
    together = network.readout_details(*write_batch(reviews, 7))
    assert together.token_logits is not None and together.token_logits.shape[2] == 5
    for row, review in enumerate(reviews):
        alone = network.readout_details(*write_batch([review], 0)).token_logits
        assert alone is not None
        positions = alone.shape[1]
        assert (together.token_logits[row, :positions] - alone[0]).abs().max() < TOLERANCE
        assert (together.token_logits[row, positions:] == 0).all()


def test_the_chosen_designs_hold_every_pair_of_choices() -> None:
    chosen = choose_pairwise(DESIGNS)
    assert len(chosen) < len(DESIGNS) / 5
    for one, other in combinations(range(len(Design._fields)), 2):
        assert {(design[one], design[other]) for design in chosen} == {
            (design[one], design[other]) for design in DESIGNS
        }


def assert_independent_of_company(network: LSTMClassifier) -> None:
    """On random lengths, padding and order."""

    @exactly
    @given(lengths=lengths_of_a_batch, padding=st.integers(0, 30), seed=st.integers(0, 99))
    @example(lengths=[1, 200, 6, 7, 49], padding=13, seed=0)
    def check(lengths: list[int], padding: int, seed: int) -> None:
        assert largest_deviation(network, lengths, padding, seed) < TOLERANCE

    check()


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, READOUTS))
def test_a_broken_mask_is_noticed(encoder: str, readout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        lstm, "padding_mask", lambda lengths_B, steps: torch.ones(len(lengths_B), steps, dtype=torch.bool)
    )
    network = new_model(Design(encoder, readout, (True, "concat"), 2))
    assert largest_deviation(network, [1, 200, 6, 7, 49], 13, seed=0) > 100 * TOLERANCE


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, ["last", "cell"]))
def test_an_open_gate_is_noticed(encoder: str, readout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "GATE", 0.0)
    network = new_model(Design(encoder, readout, (True, "concat"), 2))
    assert largest_deviation(network, [1, 200, 6, 7, 49], 13, seed=0) > 100 * TOLERANCE
