"""Make learning curves from the lines of a metrics.jsonl, with few enough points for a chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

POINTS = 120
"""Most points of a curve; a narrow chart cannot show more."""
Metrics = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Curve:
    """A quantity over time; each point averages neighbouring steps."""

    x_P: np.ndarray
    mean_P: np.ndarray
    low_P: np.ndarray
    """A tenth of the steps lie below this."""
    high_P: np.ndarray


@dataclass(frozen=True)
class EpochPoint:
    """The end of an epoch."""

    epoch: int
    train_loss: float
    train_accuracy: float | None
    validation: Mapping[str, Any] | None
    """The fields of a `metrics.Evaluation`."""


@dataclass(frozen=True)
class StageCurves:
    """The curves of one stage of a run."""

    name: str
    classifies: bool
    """Whether it learned labels or a teacher's probabilities; otherwise it learned to predict words."""
    loss: Curve
    """Over epochs: 1.5 is the middle of the second epoch."""
    gradient_norm: Curve
    """Over the run's steps."""
    learning_rate: Curve
    """Over the run's steps."""
    epochs: list[EpochPoint]
    best_epoch: int | None
    """The epoch whose weights the stage kept; None if there was no validation."""


def stage_curves(metrics: Metrics) -> list[StageCurves]:
    """Return the curves of each stage, in the order of training."""
    names = dict.fromkeys(record["stage"] for record in metrics)
    stages = (
        _stage_curves(name, [record for record in metrics if record["stage"] == name]) for name in names
    )
    return [stage for stage in stages if stage is not None]


def thin_curve(x_S: np.ndarray, values_S: np.ndarray) -> Curve:
    """Average neighbouring steps until at most `POINTS` points are left."""
    groups = np.array_split(np.arange(len(x_S)), min(POINTS, len(x_S)))
    low_P, high_P = np.array([np.quantile(values_S[group], [0.1, 0.9]) for group in groups]).T
    mean_P = np.array([values_S[group].mean() for group in groups])
    x_P = np.array([x_S[group].mean() for group in groups])
    return Curve(x_P=x_P, mean_P=mean_P, low_P=low_P, high_P=high_P)


def _stage_curves(name: str, records: Metrics) -> StageCurves | None:
    """Return None for a stage that did not finish its first epoch."""
    steps = [record for record in records if record["event"] == "step"]
    epochs = [record for record in records if record["event"] == "epoch"]
    if not steps or not epochs:
        return None
    starts = {1: steps[0]["step"] - 1} | {record["epoch"] + 1: record["step"] for record in epochs}
    steps_S = np.array([record["step"] for record in steps], dtype=np.float64)
    epochs_S = np.array(
        [
            record["epoch"] - 1 + (record["step"] - starts[record["epoch"]]) / record["batches"]
            for record in steps
        ]
    )

    def curve_over(x_S: np.ndarray, key: str) -> Curve:
        return thin_curve(x_S, np.array([record[key] for record in steps], dtype=np.float64))

    best = [record["epoch"] for record in epochs if record["validation"] and record["is_best"]]
    return StageCurves(
        name=name,
        classifies=epochs[0]["train_accuracy"] is not None,
        loss=curve_over(epochs_S, "loss"),
        gradient_norm=curve_over(steps_S, "gradient_norm"),
        learning_rate=curve_over(steps_S, "learning_rate"),
        epochs=[
            EpochPoint(
                epoch=record["epoch"],
                train_loss=record["train_loss"],
                train_accuracy=record["train_accuracy"],
                validation=record["validation"],
            )
            for record in epochs
        ],
        best_epoch=max(best, default=None),
    )
