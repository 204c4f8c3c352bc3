"""The file gives the logits of the network: every encoder, merge and readout, alone and in batches."""

from itertools import product

import numpy as np
import pytest
import torch

from sentiment.config import ModelSettings
from sentiment.errors import UsageError
from sentiment.inference.scoring import class_probabilities
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.evidence import NGramEvidence, ngrams
from sentiment.models.length_scale import LengthScale
from sentiment.models.readouts import READOUTS, MeanReadout
from tests.designs import ENCODERS, WORDS, Design, new_network

DIRECTIONS = [(True, "concat"), (True, "sum"), (True, "max"), (False, "concat")]
BATCHES = ([1], [2], [90], [3, 41, 1, 7], [5] * 3)


DESIGNS = [Design(*choices) for choices in product(ENCODERS, READOUTS, DIRECTIONS, [1, 2], [2, 5])]
# Every encoder, readout, direction, depth and number of classes, each at least once.
FEW = [
    Design(encoder, list(READOUTS)[place], DIRECTIONS[place % 4], 2 - place % 2, 2 if place % 3 else 5)
    for place, encoder in enumerate(ENCODERS)
] + [
    Design(encoder, readout, DIRECTIONS[0], 1, 2)
    for encoder in ("hierarchical", "shared_weight", "attention_fusion")
    for readout in ("last", "cell")
]


def largest_change(model, channels=1):
    """The largest difference of a logit between the file and the network, over batches of several shapes."""
    import onnxruntime

    from sentiment.exporting.network import network_file

    session = onnxruntime.InferenceSession(network_file(model, {}))
    worst = 0.0
    for lengths in BATCHES:
        axes = (len(lengths), max(lengths) + 2, *([channels] if channels > 1 else []))
        tokens_BT = torch.randint(1, WORDS, axes)
        for row, length in enumerate(lengths):
            tokens_BT[row, length:] = 0
        with torch.inference_mode():
            expected = model(tokens_BT, torch.tensor(lengths)).numpy()
        logits, probabilities = session.run(None, {"tokens": tokens_BT.numpy(), "lengths": np.array(lengths)})
        assert logits.shape == expected.shape
        assert np.allclose(probabilities, class_probabilities(expected), atol=1e-6)
        worst = max(worst, float(np.abs(logits - expected).max()))
    return worst


@pytest.mark.parametrize("design", FEW, ids=lambda design: f"{design.encoder}-{design.readout}")
def test_a_file_gives_the_logits_of_its_network(design):
    network = new_network(design)
    assert largest_change(network, len(network.embeddings)) < 1e-5


@pytest.mark.extras
@pytest.mark.timeout(1200)
def test_every_design_gives_the_logits_of_its_network():
    changes = {}
    for design in DESIGNS:
        network = new_network(design)
        changes[design] = largest_change(network, len(network.embeddings))
    assert {design: change for design, change in changes.items() if not change < 1e-5} == {}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("size", [8, 100])  # a power of two, and one that is none
def test_two_members_and_evidence(classes, size):
    members = [new_network(Design("stacked", readout, DIRECTIONS[0], 1, classes)) for readout in READOUTS][:2]
    evidence = NGramEvidence(size, WORDS, classes)
    keys_G = torch.cat(ngrams(torch.randint(2, WORDS, (1, 300)), WORDS), dim=1)[0].unique()
    evidence.keys_G[: size - 1] = keys_G[torch.randperm(len(keys_G))[: size - 1]].sort().values
    for part in (evidence.weights_G, evidence.bias):
        part.normal_()
    evidence.squares_G.uniform_(1, 3)
    for length_scale in (None, LengthScale(7.0)):
        assert largest_change(Ensemble(members, evidence, 0.6, length_scale).eval()) < 1e-5
    assert largest_change(Ensemble(members, None, 0.0, LengthScale(7.0)).eval()) < 1e-5


def test_the_keys_of_ngrams_are_exact():
    """Three of the highest words: the key has 63 bits, and its neighbour is another n-gram."""
    import onnxruntime

    from sentiment.exporting.network import network_file

    words = 2_000_000
    highest = words - 1
    evidence = NGramEvidence(2, words)
    evidence.keys_G[:] = torch.tensor(
        [((highest * words) + highest) * words + other for other in (highest - 1, highest)]
    )
    evidence.weights_G[:] = torch.tensor([1.0, 2.0])
    evidence.squares_G[:] = 1.0
    member = LSTMClassifier(ModelSettings(embedding=1, hidden=1, layers=1), words).eval()
    model = Ensemble([member], evidence, 0.5)
    session = onnxruntime.InferenceSession(network_file(model, {}))
    tokens_BT = torch.tensor([[highest] * 3, [highest, highest, highest - 1]])
    with torch.inference_mode():
        expected = model(tokens_BT, torch.tensor([3, 3]))
    logits = session.run(["logits"], {"tokens": tokens_BT.numpy(), "lengths": np.array([3, 3])})[0]
    assert np.allclose(logits, expected, atol=1e-6)
    assert abs(logits[0] - logits[1]) > 0.1


def test_a_readout_that_nobody_has_written_as_onnx_is_named():
    from sentiment.exporting.network import network_file

    class Unwritten(MeanReadout):
        pass

    network = new_network(FEW[0])
    network.readout = Unwritten(8, 0.0)
    with pytest.raises(UsageError, match="Unwritten has no ONNX form"):
        network_file(network, {})
