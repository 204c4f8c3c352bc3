"""Several classifiers and n-gram evidence as one network, and their weights in a run."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from sentiment.config import Config, parse_config
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary
from sentiment.errors import RunError
from sentiment.inference.predictor import build_model
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble, join_weights, new_model
from sentiment.models.evidence import NGramEvidence
from sentiment.models.length_scale import LengthScale

TOKENS_BT = torch.tensor([[4, 5, 6, 7, 8], [9, 3, 2, 0, 0], [1, 0, 0, 0, 0]])
LENGTHS_B = torch.tensor([5, 3, 1])
WORDS = [f"w{number}" for number in range(8)]
KEPT = 20


def config_of(members: int, weight: float) -> Config:
    small = ["model.embedding=5", "model.hidden=4", "model.layers=1", f"evidence.size={KEPT}"]
    return parse_config("", "a test", [*small, f"training.members={members}", f"evidence.weight={weight}"])


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Return a vocabulary of eight words: with the two special ones, ten ids."""
    tokens = Tokens(WORDS, np.arange(8, dtype=np.int32), np.array([0, 8]))
    settings = parse_config("vocabulary.min_frequency = 1", "a test").vocabulary
    return Vocabulary.build(tokens, np.arange(1), settings)


def new_members(config: Config, vocabulary: Vocabulary) -> list[LSTMClassifier]:
    torch.manual_seed(6)
    count = config.training.members
    return [LSTMClassifier(config.model, *vocabulary.sizes).eval() for _ in range(count)]


def new_evidence(vocabulary: Vocabulary) -> NGramEvidence:
    """Return evidence of every word and of some pairs, with two unused places."""
    generator = torch.Generator().manual_seed(8)
    evidence = NGramEvidence(KEPT, *vocabulary.sizes)
    evidence.keys_G[:18] = torch.cat([torch.arange(2, 10), torch.arange(45, 95, 5)])
    evidence.weights_G[:18] = torch.randn(18, generator=generator)
    evidence.squares_G[:18] = 1 + torch.rand(18, generator=generator)
    evidence.bias.fill_(-0.5)
    return evidence


class Constant(nn.Module):
    """A member or evidence with the same logit for every review."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, tokens_BT: Tensor, *lengths: Tensor) -> Tensor:
        return torch.full((len(tokens_BT),), self.logit)


@pytest.mark.parametrize(
    ("members", "evidence", "weight", "expected"),
    [
        ([2.0], None, 0.0, 2.0),
        ([1.0, 2.0, 6.0], None, 0.0, 3.0),
        ([2.0], -6.0, 0.25, 0.75 * 2 - 0.25 * 6),
        ([1.0, 2.0, 6.0], -6.0, 0.25, 0.75 * 3 - 0.25 * 6),
        ([1.0, 2.0, 6.0], -6.0, 1.0, -6.0),
    ],
)
def test_logits_are_averaged_and_mixed_with_the_stated_share(
    members: list[float], evidence: float | None, weight: float, expected: float
) -> None:
    constant = None if evidence is None else Constant(evidence)
    logits_B = Ensemble([Constant(logit) for logit in members], constant, weight)(TOKENS_BT, LENGTHS_B)
    torch.testing.assert_close(logits_B, torch.full((3,), expected))


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("members", [1, 3])
@torch.inference_mode()
def test_joined_weights_load_into_the_network(vocabulary: Vocabulary, members: int, weight: float) -> None:
    """They are saved and read as in a run."""
    config = config_of(members, weight)
    classifiers, evidence = new_members(config, vocabulary), new_evidence(vocabulary) if weight else None
    weights = join_weights([member.state_dict() for member in classifiers], evidence)
    assert weights.keys() == new_model(config, vocabulary.sizes).state_dict().keys()

    read = safetensors.torch.load(safetensors.torch.save(weights))
    model = build_model(config, vocabulary, read, Path("a run")).eval()
    expected_B = torch.stack([member(TOKENS_BT, LENGTHS_B) for member in classifiers]).mean(dim=0)
    if evidence is not None:
        expected_B = (1 - weight) * expected_B + weight * evidence(TOKENS_BT)
    torch.testing.assert_close(model(TOKENS_BT, LENGTHS_B), expected_B, rtol=1e-6, atol=1e-6)
    for name, value in model.state_dict().items():
        assert value.dtype == weights[name].dtype and torch.equal(value, weights[name]), name


@torch.inference_mode()
def test_short_texts_are_less_sure_and_keep_their_label(vocabulary: Vocabulary) -> None:
    config = config_of(2, 0.4)
    members, evidence = new_members(config, vocabulary), new_evidence(vocabulary)
    before_B = Ensemble(members, evidence, 0.4)(TOKENS_BT, LENGTHS_B)
    after_B = Ensemble(members, evidence, 0.4, LengthScale(3.0))(TOKENS_BT, LENGTHS_B)
    torch.testing.assert_close(after_B, before_B * torch.tensor([5 / 8, 3 / 6, 1 / 4]))
    neutral = Ensemble(members, evidence, 0.4, LengthScale(0.0))
    assert torch.equal(neutral(TOKENS_BT, LENGTHS_B), before_B)


def test_every_class_is_scaled_by_the_length() -> None:
    logits_BO = torch.tensor([[1.0, 2.0, -3.0], [4.0, 0.0, 1.0]])
    scaled_BO = LengthScale(6.0)(logits_BO, torch.tensor([2, 6]))
    torch.testing.assert_close(scaled_BO, logits_BO * torch.tensor([[0.25], [0.5]]))


@pytest.mark.parametrize("weight", [0.0, 0.4])
def test_the_scale_by_length_is_part_of_the_weights(vocabulary: Vocabulary, weight: float) -> None:
    settings = {"short_texts": 4.0}
    config = config_of(1, weight)
    config = config.model_copy(update={"calibration": config.calibration.model_copy(update=settings)})
    (member,) = new_members(config, vocabulary)
    weights = join_weights(
        [member.state_dict()], new_evidence(vocabulary) if weight else None, LengthScale(4.0)
    )
    model = build_model(config, vocabulary, weights, Path("a run"))
    assert isinstance(model, Ensemble) and model.length_scale is not None
    assert float(model.length_scale.half_length) == 4.0
    with pytest.raises(RunError, match="a run does not fit its configuration"):
        build_model(config_of(1, weight), vocabulary, weights, Path("a run"))


def test_one_classifier_without_evidence_is_not_wrapped(vocabulary: Vocabulary) -> None:
    assert isinstance(new_model(config_of(1, 0.0), vocabulary.sizes), LSTMClassifier)
    (member,) = new_members(config_of(1, 0.0), vocabulary)
    assert join_weights([member.state_dict()]).keys() == member.state_dict().keys()


@pytest.mark.parametrize(
    ("trained", "opened"),
    [((2, 0.0), (3, 0.0)), ((2, 0.0), (2, 0.3)), ((2, 0.3), (2, 0.0)), ((1, 0.0), (1, 0.3))],
)
def test_weights_of_other_members_or_evidence_are_refused(
    vocabulary: Vocabulary, trained: tuple[int, float], opened: tuple[int, float]
) -> None:
    weights = new_model(config_of(*trained), vocabulary.sizes).state_dict()
    with pytest.raises(RunError, match="a run does not fit its configuration"):
        build_model(config_of(*opened), vocabulary, weights, Path("a run"))


@pytest.mark.parametrize("padding", [0, 3])
@torch.inference_mode()
def test_an_ensemble_does_not_depend_on_other_reviews(vocabulary: Vocabulary, padding: int) -> None:
    """A review's logit does not depend on the other reviews of its batch."""
    config = config_of(2, 0.4)
    ensemble = Ensemble(new_members(config, vocabulary), new_evidence(vocabulary), 0.4)
    wide_BT = torch.cat([TOKENS_BT, torch.zeros(3, padding, dtype=torch.int64)], dim=1)
    together_B = ensemble(wide_BT, LENGTHS_B)
    for row, length in enumerate(LENGTHS_B.tolist()):
        alone = ensemble(TOKENS_BT[row : row + 1, :length], LENGTHS_B[row : row + 1])
        assert float(alone) == pytest.approx(float(together_B[row]), abs=1e-5)


@pytest.mark.parametrize("readout", ["max", "tokens"])
@pytest.mark.parametrize("weight", [0.0, 0.4])
@torch.inference_mode()
def test_logits_are_scaled_in_the_weights(vocabulary: Vocabulary, readout: str, weight: float) -> None:
    config = config_of(2, weight)
    settings = config.model.model_copy(update={"readout": readout})
    members = [LSTMClassifier(settings, *vocabulary.sizes).eval() for _ in range(2)]
    network = Ensemble(members, new_evidence(vocabulary) if weight else None, weight)
    before = network(TOKENS_BT, LENGTHS_B)
    network.scale_logits(0.5)
    torch.testing.assert_close(network(TOKENS_BT, LENGTHS_B), before / 2)
