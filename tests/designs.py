"""Small networks of every design, for the tests that compare all of them."""

from typing import NamedTuple, get_args

import torch

from sentiment.config import ModelSettings
from sentiment.models.classifier import LSTMClassifier

WORDS = 50
ENCODERS = get_args(ModelSettings.model_fields["encoder"].annotation)


class Design(NamedTuple):
    """One choice of each kind."""

    encoder: str
    readout: str
    direction: tuple[bool, str]
    """Whether there are two directions, and their merge."""
    layers: int
    classes: int = 2


def new_network(design: Design) -> LSTMClassifier:
    """A small network with large weights: a mistake changes the logit much."""
    torch.manual_seed(7)
    bidirectional, merge = design.direction
    settings = ModelSettings(
        encoder=design.encoder,
        readout=design.readout,
        merge=merge,
        bidirectional=bidirectional,
        layers=design.layers,
        embedding=5,
        hidden=4,
        truncation=7,
        segment=6,
        channels=["lower", "suffix", "shape"],
    )
    network = LSTMClassifier(settings, *[WORDS] * (len(settings.views) or 1), classes=design.classes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    return network.eval()
