"""Contributions of tokens: they add up to the logit, and depend on the order of words."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import nn

from sentiment.data.ids import UNKNOWN_ID
from sentiment.explain import attribution
from sentiment.explain.attribution import attribute
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.evidence import NGramEvidence
from sentiment.models.length_scale import LengthScale
from sentiment.models.readouts import READOUTS
from tests.models.test_exactness import ENCODERS, WORDS, Design, new_model

REVIEW = [3, 9, UNKNOWN_ID, 4, 9, 9, 30, 3, 9, 8, 11, 12, 3]


def tokens_of(network: nn.Module, ids: list[int]) -> torch.Tensor:
    """tokens_1T, or tokens_1TC with the same ids in every channel."""
    tokens_1T = torch.tensor([ids])
    channels = len(network.embeddings) if isinstance(network, LSTMClassifier) else 1
    return tokens_1T if channels == 1 else tokens_1T[:, :, None].expand(-1, -1, channels)


def logit(network: nn.Module, ids: list[int]) -> float:
    with torch.inference_mode():
        return float(network(tokens_of(network, ids), torch.tensor([len(ids)])))


@pytest.mark.parametrize(("encoder", "readout"), product(ENCODERS, READOUTS))
def test_contributions_add_up_to_the_logit_in_every_design(encoder: str, readout: str) -> None:
    network = new_model(Design(encoder, readout, (True, "concat"), layers=2))
    found = attribute(network, tokens_of(network, REVIEW))
    assert found.logit == pytest.approx(logit(network, REVIEW), abs=1e-5)
    assert found.base == pytest.approx(logit(network, [UNKNOWN_ID] * len(REVIEW)), abs=1e-5)
    total = found.base + float(found.contributions_T.sum()) + found.rest
    assert total == pytest.approx(found.logit, abs=1e-5)
    assert abs(found.rest) < 0.05 + 0.05 * float(found.contributions_T.abs().sum())
    assert found.contributions_T[REVIEW.index(UNKNOWN_ID)] == 0
    assert (found.contributions_T != 0).sum() == len(REVIEW) - 1


def test_more_steps_leave_less_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    network = new_model(Design("stacked", "mean", (True, "concat"), layers=1))
    rests = []
    for steps in (2, 8, 64):
        monkeypatch.setattr(attribution, "FEWEST_STEPS", steps)
        monkeypatch.setattr(attribution, "MOST_STEPS", steps)
        rests.append(abs(attribute(network, tokens_of(network, REVIEW)).rest))
    assert rests[0] > rests[1] > rests[2]


def test_a_steep_path_gets_more_steps_and_reports_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = new_model(Design("stacked", "mean", (True, "concat"), layers=1))
    with torch.no_grad():
        steep = deepcopy(network)
        steep.embeddings[0].weight.mul_(20)
    monkeypatch.setattr(attribution, "MOST_STEPS", 2)
    monkeypatch.setattr(attribution, "FEWEST_STEPS", 2)
    coarse = attribute(steep, tokens_of(steep, REVIEW))
    assert not coarse.is_complete
    monkeypatch.setattr(attribution, "MOST_STEPS", 4096)
    fine = attribute(steep, tokens_of(steep, REVIEW))
    assert fine.is_complete and abs(fine.rest) < abs(coarse.rest)


def test_memory_does_not_grow_with_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path in chunks gives what the whole path gives."""
    network = new_model(Design("stacked", "max", (True, "concat"), layers=1))
    whole = attribute(network, tokens_of(network, REVIEW))
    monkeypatch.setattr(attribution, "CHUNK_TOKENS", 3 * len(REVIEW))
    chunked = attribute(network, tokens_of(network, REVIEW))
    torch.testing.assert_close(chunked.contributions_T, whole.contributions_T)


def test_a_truncated_network_is_explained_beyond_its_cuts_and_keeps_them() -> None:
    """Its gradient is cut every 7 steps; its logit depends on all of them."""
    network = new_model(Design("truncated", "last", (False, "concat"), layers=1))
    found = attribute(network, tokens_of(network, REVIEW))
    assert found.contributions_T[0] != 0
    assert network.encoder.layers[0].truncation == 7


def new_evidence() -> NGramEvidence:
    generator = torch.Generator().manual_seed(2)
    evidence = NGramEvidence(6, WORDS)
    keys = [3, 9, 3 * WORDS + 9, 9 * WORDS + 9, 8 * WORDS + 11, (8 * WORDS + 11) * WORDS + 12]
    evidence.keys_G[:] = torch.tensor(sorted(keys))
    evidence.weights_G[:] = torch.randn(6, generator=generator)
    evidence.squares_G[:] = 1 + torch.rand(6, generator=generator)
    evidence.bias.fill_(0.3)
    return evidence


def test_the_shares_of_ngrams_sum_to_their_logit() -> None:
    evidence = new_evidence()
    for ids in (REVIEW, [3], [3, 9], [UNKNOWN_ID, UNKNOWN_ID], [5, 6, 7]):
        shares_T = evidence.contributions(torch.tensor([ids]))
        assert len(shares_T) == len(ids)
        assert float(shares_T.sum()) + 0.3 == pytest.approx(float(evidence(torch.tensor([ids]))), abs=1e-6)


def test_an_ngram_is_shared_by_its_places_and_its_words() -> None:
    evidence = NGramEvidence(1, WORDS)
    evidence.keys_G[0], evidence.weights_G[0], evidence.squares_G[0] = 3 * WORDS + 9, 4.0, 4.0
    assert evidence.contributions(torch.tensor([[3, 9, 5, 3, 9]])).tolist() == [0.5, 0.5, 0, 0.5, 0.5]


@pytest.mark.parametrize("half_length", [None, 0.0, 5.0])
@pytest.mark.parametrize("evidence", [None, new_evidence()], ids=["members alone", "with evidence"])
def test_an_ensemble_mixes_contributions_as_its_logit(
    evidence: NGramEvidence | None, half_length: float | None
) -> None:
    members = [
        new_model(Design("stacked", readout, (True, "concat"), layers=1)) for readout in ("max", "mean")
    ]
    length_scale = None if half_length is None else LengthScale(half_length)
    ensemble = Ensemble(members, evidence, 0.25 if evidence else 0.0, length_scale).eval()
    found = attribute(ensemble, torch.tensor([REVIEW]))
    assert found.logit == pytest.approx(logit(ensemble, REVIEW), abs=1e-5)
    own = [attribute(member, torch.tensor([REVIEW])).contributions_T for member in members]
    expected_T = (own[0] + own[1]) / 2
    if evidence:
        expected_T = 0.75 * expected_T + 0.25 * evidence.contributions(torch.tensor([REVIEW]))
    expected_T = expected_T * len(REVIEW) / (len(REVIEW) + (half_length or 0))
    torch.testing.assert_close(found.contributions_T, expected_T)
    assert abs(found.rest) < 0.05


def test_no_gradient_stays_in_the_parameters() -> None:
    network = new_model(Design("stacked", "attention", (True, "concat"), layers=1))
    attribute(network, tokens_of(network, REVIEW))
    assert all(parameter.grad is None for parameter in network.parameters())
