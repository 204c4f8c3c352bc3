"""Curves have the values of the steps."""

import numpy as np
import pytest

from sentiment.report.curves import POINTS, stage_curves, thin_curve


def step(stage, number, epoch, loss, batches=2):
    return {
        "event": "step", "stage": stage, "step": number, "epoch": epoch, "loss": loss,
        "gradient_norm": 10 * loss, "learning_rate": 0.1 * number, "batches": batches,
    }  # fmt: skip


def epoch(stage, number, last, accuracy, loss, is_best):
    validation = None if loss is None else {"loss": loss, "accuracy": 0.5}
    return {
        "event": "epoch", "stage": stage, "epoch": number, "step": last, "train_loss": 1.0,
        "train_accuracy": accuracy, "validation": validation, "is_best": is_best,
    }  # fmt: skip


METRICS = [
    step("pretraining", 1, 1, 5.0),
    step("pretraining", 2, 1, 4.0),
    epoch("pretraining", 1, 2, None, None, True),
    step("training", 3, 1, 0.7),
    step("training", 4, 1, 0.6),
    epoch("training", 1, 4, 0.8, 0.4, True),
    step("training", 5, 2, 0.5),
    step("training", 6, 2, 0.4),
    epoch("training", 2, 6, 0.9, 0.5, False),
]


def test_each_stage_by_hand():
    words, labels = stage_curves(METRICS)
    assert (words.name, words.classifies, words.best_epoch) == ("pretraining", False, None)
    assert (labels.name, labels.classifies, labels.best_epoch) == ("training", True, 1)
    assert labels.loss.x_P.tolist() == [0.5, 1, 1.5, 2] and labels.loss.mean_P.tolist() == [
        0.7,
        0.6,
        0.5,
        0.4,
    ]
    assert labels.gradient_norm.x_P.tolist() == [3, 4, 5, 6]
    assert labels.gradient_norm.mean_P.tolist() == [7, 6, 5, 4]
    assert labels.learning_rate.mean_P == pytest.approx([0.3, 0.4, 0.5, 0.6])
    assert [(point.epoch, point.train_accuracy) for point in labels.epochs] == [(1, 0.8), (2, 0.9)]


def test_thinning_keeps_the_mean_and_bounds_the_size():
    values = np.random.default_rng(1).normal(size=POINTS * 50)
    curve = thin_curve(np.arange(len(values)), values)
    assert len(curve.x_P) == POINTS
    assert curve.mean_P.mean() == pytest.approx(values.mean())
    within = (curve.low_P <= curve.mean_P) & (curve.mean_P <= curve.high_P)
    assert within.all() and np.all(np.diff(curve.x_P) > 0)


def test_a_stage_without_a_complete_epoch_is_left_out():
    assert stage_curves(METRICS[:1]) == [] == stage_curves([])
