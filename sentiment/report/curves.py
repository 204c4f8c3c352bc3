"""Learning curves from the lines of a metrics.jsonl: thousands of steps thinned to what a chart can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

POINTS = 120
"""Points of a curve: more than a narrow chart can tell apart."""
Metrics = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Curve:
    """A quantity over time, each point the mean of neighbouring steps."""

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
    """One stage of a run: over its epochs, and over the steps of the whole run."""

    name: str
    classifies: bool
    """Whether it learned labels, a teacher's too; else a language model learned to predict words."""
    loss: Curve
    """Over epochs: 1.5 is the middle of the second one."""
    gradient_norm: Curve
    """Over the run's steps."""
    learning_rate: Curve
    """Over the run's steps."""
    epochs: list[EpochPoint]
    best_epoch: int | None
    """The epoch whose weights the stage ended with; None where it was not judged."""


def stage_curves(metrics: Metrics) -> list[StageCurves]:
    """The curves of each stage, in the order in which they were trained."""
    names = dict.fromkeys(record["stage"] for record in metrics)
    stages = (_stage(name, [record for record in metrics if record["stage"] == name]) for name in names)
    return [stage for stage in stages if stage is not None]


def thin(x_S: np.ndarray, values_S: np.ndarray) -> Curve:
    """Average neighbours until at most `POINTS` points are left."""
    groups = np.array_split(np.arange(len(x_S)), min(POINTS, len(x_S)))
    low_P, high_P = np.array([np.quantile(values_S[group], [0.1, 0.9]) for group in groups]).T
    mean_P = np.array([values_S[group].mean() for group in groups])
    return Curve(np.array([x_S[group].mean() for group in groups]), mean_P, low_P, high_P)


def _stage(name: str, records: Metrics) -> StageCurves | None:
    """None for a stage that has not come to the end of its first epoch."""
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

    def values_S(key: str) -> np.ndarray:
        return np.array([record[key] for record in steps], dtype=np.float64)

    return StageCurves(
        name,
        epochs[0]["train_accuracy"] is not None,
        thin(epochs_S, values_S("loss")),
        thin(steps_S, values_S("gradient_norm")),
        thin(steps_S, values_S("learning_rate")),
        [
            EpochPoint(record["epoch"], record["train_loss"], record["train_accuracy"], record["validation"])
            for record in epochs
        ],
        max(
            (record["epoch"] for record in epochs if record["validation"] and record["is_best"]), default=None
        ),
    )
