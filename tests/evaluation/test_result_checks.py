"""What is said about the data before a training, and about the model after it."""

import json

import numpy as np
import pytest

from sentiment.evaluation.metrics import evaluate
from sentiment.evaluation.result_checks import (
    FEWEST_STEPS,
    ResultChecks,
    count_classes,
    describe_classes,
    result_warnings,
)

LABELS = np.array([1] * 6 + [0] * 4, dtype=np.int8)


def judged(answers):
    """An evaluation of the ten labels, of which these answers (1 or 0) were given."""
    return evaluate(np.array(answers, dtype=np.float32) * 2 - 1, LABELS)


RIGHT = judged(LABELS)
NINE_RIGHT = judged([1] * 5 + [0] * 5)
ALL_POSITIVE = judged([1] * 10)
FOUR_RIGHT_OF_BOTH = judged([1] * 3 + [0] * 3 + [1] * 3 + [0])


def warnings(steps=FEWEST_STEPS, validation=RIGHT, **others):
    return result_warnings(ResultChecks(steps=steps, validation=validation, **others))


def test_the_classes_are_said_with_their_counts_and_the_majority_share():
    counts = count_classes(np.array(LABELS), ("negative", "positive"))
    assert counts == {"negative": 4, "positive": 6}
    assert describe_classes("training", counts) == (
        "training: 10 reviews, 4 negative and 6 positive (majority 60.0%)"
    )
    assert describe_classes("validation", {"a": 1, "b": 2, "c": 1}) == (
        "validation: 4 reviews, 1 a, 2 b and 1 c (majority 50.0%)"
    )


def test_a_model_that_learned_is_not_warned_of():
    assert warnings() == []
    assert warnings(network=NINE_RIGHT, baseline=NINE_RIGHT) == []
    assert warnings(baseline=RIGHT) == []  # as accurate as the baseline


def test_too_few_steps_are_warned_of_even_if_nothing_was_held_out():
    (warning,) = warnings(steps=FEWEST_STEPS - 1, validation=None)
    assert "only 99 training steps" in warning and "--set training.epochs=" in warning


def test_a_model_that_answers_one_class_only_is_warned_of():
    one_class, majority = warnings(validation=ALL_POSITIVE, network=ALL_POSITIVE)
    assert one_class == "the model answers positive to every validation review"
    assert "no better than always answering the majority class: 60.00% against 60.00%" in majority


def test_a_network_that_answers_one_class_only_is_warned_of_though_its_n_grams_are_right():
    (warning,) = warnings(network=ALL_POSITIVE)
    assert "the network alone answers positive" in warning


def test_a_model_below_the_majority_share_is_warned_of():
    (warning,) = warnings(validation=FOUR_RIGHT_OF_BOTH)
    assert "40.00% against 60.00% of 10 validation reviews" in warning


def test_a_model_that_loses_against_the_baseline_is_warned_of():
    (warning,) = warnings(validation=NINE_RIGHT, baseline=RIGHT)
    assert warning == (
        "the n-gram baseline is more accurate than the model: 100.00% against 90.00% of 10 validation reviews"
    )


@pytest.mark.parametrize("validation", [None, NINE_RIGHT])
def test_the_facts_are_json_with_the_warnings(validation):
    checks = ResultChecks(steps=3, validation=validation, network=validation, baseline=validation)
    facts = json.loads(json.dumps(checks.facts()))
    share, accuracy = (None, None) if validation is None else (0.6, 0.9)
    assert facts == {
        "steps": 3,
        "majority_share": share,
        "network_accuracy": accuracy,
        "baseline_accuracy": accuracy,
        "warnings": result_warnings(checks),
    }
