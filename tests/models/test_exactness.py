"""The promise: a review's logit does not depend on the company it keeps."""

from functools import cache
from itertools import product
from typing import get_args

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sentiment.config import ModelSettings
from sentiment.models import lstm
from sentiment.models.classifier import SentimentClassifier
from sentiment.models.merges import MERGES
from sentiment.models.readouts import READOUTS

TOLERANCE = 1e-5
WORDS = 50
ENCODERS = get_args(ModelSettings.model_fields["encoder"].annotation)
DIRECTIONS = [(True, merge) for merge in MERGES] + [(False, "concat")]

exactly = settings(max_examples=5, deadline=None, derandomize=True)
lengths_of_a_batch = st.lists(st.integers(1, 200), min_size=2, max_size=5)


@cache
def model(encoder: str, readout: str, merge: str, bidirectional: bool, layers: int) -> SentimentClassifier:
    """A small model whose weights are large enough for a leak of padding to be loud."""
    torch.manual_seed(7)
    model_settings = ModelSettings(
        encoder=encoder,
        readout=readout,
        merge=merge,
        bidirectional=bidirectional,
        layers=layers,
        embedding=5,
        hidden=4,
        truncation=7,
        segment=6,
        channels=["lower", "suffix", "shape"],
    )
    network = SentimentClassifier(model_settings, *[WORDS] * (len(model_settings.views) or 1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    return network.eval()


def write_batch(reviews: list[Tensor], padding: int) -> tuple[Tensor, Tensor]:
    """Rows of one width; padding is a word here, not 0, so that whatever reads it says so."""
    lengths_B = torch.tensor([len(review) for review in reviews])
    width = int(lengths_B.max()) + padding
    tokens_BT = torch.full((len(reviews), width, *reviews[0].shape[1:]), WORDS - 1)
    for row, review in enumerate(reviews):
        tokens_BT[row, : len(review)] = review
    return tokens_BT, lengths_B


@torch.inference_mode()
def largest_deviation(network: SentimentClassifier, lengths: list[int], padding: int, seed: int) -> float:
    """How far any logit of a batch is from that of the same review alone: in company, order and padding."""
    generator = torch.Generator().manual_seed(seed)
    channels = () if len(network.embeddings) == 1 else (len(network.embeddings),)
    reviews = [torch.randint(1, WORDS, (length, *channels), generator=generator) for length in lengths]
    alone_B = torch.cat([network(*write_batch([review], 0)) for review in reviews])
    order_B = torch.randperm(len(reviews), generator=generator)
    together_B = network(*write_batch(reviews, padding))
    shuffled_B = network(*write_batch([reviews[row] for row in order_B], 0))
    return max(float((together_B - alone_B).abs().max()), float((shuffled_B - alone_B[order_B]).abs().max()))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("bidirectional", "merge"), DIRECTIONS)
@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, READOUTS))
def test_a_logit_does_not_depend_on_company(
    encoder: str, readout: str, bidirectional: bool, merge: str, layers: int
) -> None:
    network = model(encoder, readout, merge, bidirectional, layers)

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
    network = model(encoder, readout, "concat", True, 2)
    assert largest_deviation(network, [1, 200, 6, 7, 49], 13, seed=0) > 100 * TOLERANCE


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, ["last", "cell"]))
def test_an_open_gate_is_noticed(encoder: str, readout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "GATE", 0.0)
    network = model(encoder, readout, "concat", True, 2)
    assert largest_deviation(network, [1, 200, 6, 7, 49], 13, seed=0) > 100 * TOLERANCE
