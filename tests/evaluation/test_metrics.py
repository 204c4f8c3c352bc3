"""Metrics of logits, compared with values computed by hand and by scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from sentiment.evaluation.metrics import (
    PairedTest,
    best_half_length,
    best_temperature,
    best_threshold,
    evaluate,
    mcnemar,
    wilson_interval,
)


def logits(right_N, labels_N):
    """Logits of a model that is right where `right_N` is true."""
    return np.where(np.asarray(right_N) == (labels_N == 1), 1.5, -0.5).astype(np.float32)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [
        (0, 5, 2 / 2**5),
        (1, 5, 2 * (1 + 6) / 2**6),
        (2, 8, 2 * (1 + 10 + 45) / 2**10),
        (3, 3, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_as_by_hand(only_first, only_second, p_value):
    first = [True] * only_first + [False] * only_second + [True, True, False]
    second = [False] * only_first + [True] * only_second + [True, True, False]
    labels_N = np.arange(len(first)) % 2
    found = mcnemar(logits(first, labels_N), logits(second, labels_N), labels_N)
    assert found == PairedTest(only_first, only_second, pytest.approx(p_value, abs=1e-12))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_agrees_with_scipy_and_with_the_accuracies(reviews):
    first, second, positive = (np.array(column) for column in zip(*reviews, strict=True))
    labels_N = positive.astype(np.int8)
    first_N, second_N = logits(first, labels_N), logits(second, labels_N)
    found = mcnemar(first_N, second_N, labels_N)
    difference = evaluate(first_N, labels_N).accuracy - evaluate(second_N, labels_N).accuracy
    assert found.only_first - found.only_second == round(difference * len(reviews))
    differing = int((first != second).sum())
    assert found.only_first + found.only_second == differing
    assert 0 <= found.p_value <= 1
    if differing:
        assert found.p_value == pytest.approx(binomtest(found.only_second, differing).pvalue)
    swapped = mcnemar(second_N, first_N, labels_N)
    assert swapped == PairedTest(found.only_second, found.only_first, pytest.approx(found.p_value))


def test_mcnemar_takes_a_logit_of_zero_as_negative():
    assert mcnemar(np.zeros(2), np.ones(2), np.array([0, 1])) == PairedTest(1, 1, 1.0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([-3.0, -1.0, -0.25, 0.0, 0.5, 2.0, 9.0]), st.integers(0, 1)),
        min_size=1,
        max_size=12,
    )
)
def test_no_threshold_beats_the_best(reviews):
    logits_N = np.array([value for value, _ in reviews], dtype=np.float32)
    labels_N = np.array([label for _, label in reviews], dtype=np.int8)
    best = best_threshold(logits_N, labels_N)
    assert 0 < best < 1
    right = [((logits_N > cut) == (labels_N == 1)).mean() for cut in np.linspace(-4, 10, 141)]
    assert evaluate(logits_N, labels_N, best).accuracy == pytest.approx(max(right))


def test_of_equally_good_thresholds_the_nearest_to_half_is_best():
    assert best_threshold(np.array([-2.0, 3.0, 4.0]), np.array([0, 1, 1])) == pytest.approx(0.6225, abs=1e-4)
    assert best_threshold(np.array([1.0, 3.0, 5.0]), np.array([0, 1, 1])) == pytest.approx(0.8808, abs=1e-4)


def test_the_best_temperature_undoes_a_model_that_is_too_sure():
    generator = np.random.default_rng(4)
    honest_N = generator.normal(0, 2, 20_000)
    labels_N = (generator.random(20_000) < 1 / (1 + np.exp(-honest_N))).astype(np.int8)
    for temperature in (0.3, 1.0, 2.5):
        found = best_temperature(honest_N * temperature, labels_N)
        assert found == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_best_half_length_undoes_a_model_that_is_too_sure_of_short_texts(classes):
    generator = np.random.default_rng(5)
    lengths_N = generator.integers(1, 60, 20_000)
    honest = generator.normal(0, 2, 20_000 if classes == 2 else (20_000, classes))
    odds = np.stack([np.zeros(20_000), honest], axis=1) if classes == 2 else honest
    labels_N = (odds + generator.gumbel(size=odds.shape)).argmax(axis=1)
    for half_length in (0.0, 10.0, 40.0):
        scale_N = 1 + half_length / lengths_N
        found = best_half_length((honest.T * scale_N).T, lengths_N, labels_N)
        assert found == pytest.approx(half_length, rel=0.1, abs=1)


def test_no_half_length_is_best_where_every_text_is_right():
    assert best_half_length(np.array([-1.0, 2.0]), np.array([1, 30]), np.array([0, 1])) == 0.0


def test_no_temperature_is_best_where_every_review_is_right():
    assert best_temperature(np.array([-1.0, 2.0, 0.5]), np.array([0, 1, 1])) == 1.0


@settings(deadline=None)
@given(st.integers(1, 5_000), st.data())
def test_wilsons_interval_agrees_with_scipy_and_holds_the_share(trials, data):
    hits = data.draw(st.integers(0, trials))
    low, high = wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)
