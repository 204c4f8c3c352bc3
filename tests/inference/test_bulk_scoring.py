"""Many reviews, scored on several cores, have the logits that each of them has alone."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

import sentiment
from sentiment.inference import bulk_scoring
from sentiment.inference.bulk_scoring import score_in_bulk, suits_bulk
from sentiment.inference.predictor import Predictor
from sentiment.inference.scoring import score
from sentiment.models.ensemble import Ensemble
from sentiment.system.processes import Processes

NEGATED = "it isn't good, "
TEXTS = [f"{NEGATED * (n % 7)}take {n} was {('bright', 'dull')[n % 2]} {n}" for n in range(70)]


@pytest.fixture(scope="module")
def shipped():
    return sentiment.load(device="cpu", threads=1)


@pytest.fixture
def reviews(shipped):
    return shipped.encode(TEXTS)


def with_threads(predictor, threads):
    return replace(predictor.machine, threads=threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_logits_and_their_order_are_those_of_single_reviews(shipped, reviews, threads):
    assert suits_bulk(shipped.model, reviews, shipped.machine)
    found = score_in_bulk(shipped.model, reviews, with_threads(shipped, threads))
    alone = [float(shipped.logits(shipped.encode([text]))[0]) for text in TEXTS]
    np.testing.assert_allclose(found, alone, atol=1e-5)
    assert np.ptp(found) > 1


def test_two_members_and_several_classes(shipped, reviews):
    one, other = (make_classifier(shipped, seed) for seed in (1, 2))
    model = Ensemble([one, other], None, 0.0).eval()
    found = score_in_bulk(model, reviews, with_threads(shipped, 2))
    assert found.shape == (70, 3)
    np.testing.assert_allclose(found, score(model, reviews, shipped.machine), atol=1e-5)


def make_classifier(shipped, seed):
    torch.manual_seed(seed)
    small = shipped.config.model.model_copy(update={"hidden": 8})
    return sentiment.models.classifier.LSTMClassifier(small, *shipped.vocabulary.sizes, classes=3)


def test_few_reviews_and_large_tables_are_left_to_the_usual_way(shipped, reviews, monkeypatch):
    assert not suits_bulk(shipped.model, shipped.encode(TEXTS[:5]), shipped.machine)
    joint = replace(shipped.machine, processes=Processes(0, 2))
    assert not suits_bulk(shipped.model, reviews, joint)
    monkeypatch.setattr(bulk_scoring, "MOST_TABLE_BYTES", 1000)
    assert not suits_bulk(shipped.model, reviews, shipped.machine)


def test_the_callers_number_of_threads_is_kept(shipped, reviews):
    torch.set_num_threads(2)
    score_in_bulk(shipped.model, reviews, with_threads(shipped, 3))
    assert torch.get_num_threads() == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scoring")]


def test_an_error_on_one_core_is_raised_and_the_rest_is_left_out(shipped, reviews, monkeypatch):
    monkeypatch.setattr(bulk_scoring, "ROWS", 2)
    seen = []

    def fail(indices):
        seen.append(indices)
        raise MemoryError("no room")

    monkeypatch.setattr(reviews, "batch", fail)
    with pytest.raises(MemoryError, match="no room"):
        score_in_bulk(shipped.model, reviews, with_threads(shipped, 2))
    assert len(seen) < 35


def test_predict_uses_it_for_many_reviews_only(shipped, monkeypatch):
    counts = []

    def count(model, reviews, machine):
        counts.append(len(reviews))
        return score(model, reviews, machine)

    monkeypatch.setattr("sentiment.inference.predictor.score_in_bulk", count)
    assert isinstance(shipped, Predictor) and len(shipped.predict(TEXTS[:5])) == 5 and counts == []
    assert len(shipped.predict(TEXTS)) == 70 and counts == [70]
