"""A classifier whose words are looked up gives the logits of the classifier itself."""

from functools import cache
from itertools import product

import pytest
import torch

from sentiment.models.classifier import LSTMClassifier
from sentiment.models.word_gates import WordGates
from tests.designs import ENCODERS, WORDS, Design, new_network

DIRECTIONS = [(True, "concat"), (False, "concat"), (True, "sum")]
READOUTS = ["last", "cell", "max", "mean", "max_mean", "attention", "tokens"]
LENGTHS_B = torch.tensor([40, 39, 39, 12, 1, 1])  # the longest first
PLACES_TB = torch.randint(1, 30, (40, 6), generator=torch.Generator().manual_seed(1))
WORDS_W = torch.arange(0, WORDS)[torch.randperm(WORDS, generator=torch.Generator().manual_seed(2))][:30]


@cache
def networks():
    """Those that fit, of every encoder, readout and direction, with two classes or three."""
    designs = (
        Design(*choices, layers=1, classes=2 + number % 2)
        for number, choices in enumerate(product(ENCODERS, READOUTS, DIRECTIONS))
    )
    return [(design, network) for design in designs if WordGates.fits(network := new_network(design))]


@torch.inference_mode()
def difference(network: LSTMClassifier, precision: torch.dtype) -> float:
    """The largest difference of the two logits of a review; what follows its end is a word in one of them."""
    looked_up = WordGates(network, WORDS_W, precision).logits(PLACES_TB, LENGTHS_B)
    tokens_BT = WORDS_W[PLACES_TB].T
    is_padding_BT = torch.arange(40) >= LENGTHS_B[:, None]
    plain = network(tokens_BT.masked_fill(is_padding_BT, 0), LENGTHS_B)
    assert looked_up.shape == plain.shape
    return float((looked_up - plain).abs().max())


def test_every_network_that_fits_has_the_same_logits():
    found = networks()
    assert {design.readout for design, _ in found} == {"last", "cell", "max", "mean", "max_mean"}
    assert {design.encoder for design, _ in found} == {"stacked", "truncated"}
    assert {design.direction for design, _ in found} == set(DIRECTIONS[:2])
    assert max(difference(network, torch.float32) for _, network in found) < 1e-6


def test_products_in_bfloat16_change_the_logits_a_little():
    changes = [difference(network, torch.bfloat16) for _, network in networks()]
    assert 1e-6 < max(changes) < 0.02


@pytest.mark.parametrize("layers", [1, 2])
def test_another_network_does_not_fit(layers):
    design = Design("residual" if layers == 1 else "stacked", "max", (True, "concat"), layers)
    assert not WordGates.fits(new_network(design))
    assert not WordGates.fits(torch.nn.Linear(2, 2))
