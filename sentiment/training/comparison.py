"""Compare a run with the run that it started from and with the n-gram baseline, on held-out reviews."""

from dataclasses import dataclass

import numpy as np

from sentiment.data.prepare import HeldOut
from sentiment.evaluation.baseline import Baseline
from sentiment.inference.predictor import Predictor
from sentiment.inference.scoring import likeliest_classes
from sentiment.training.parent import Parent


@dataclass(frozen=True, kw_only=True)
class ParentComparison:
    """The accuracies of a run and of what it is compared with, on the same reviews."""

    split: str
    """validation, or old: of the kind that the parent was trained on."""
    reviews: int
    parent: float | None
    """None if the parent has other classes."""
    adapted: float
    baseline: float | None
    """None if the baseline was not fitted."""


def compare_with_parent(
    parent: Parent, predictor: Predictor, baseline: Baseline | None, held_out: HeldOut
) -> ParentComparison:
    """Judge all three on the same reviews."""
    labels_N = held_out.own.labels_N
    same_classes = parent.predictor.class_names == predictor.class_names

    def accuracy(logits: np.ndarray) -> float:
        return float((likeliest_classes(logits) == labels_N).mean())

    return ParentComparison(
        split=held_out.name,
        reviews=len(labels_N),
        parent=accuracy(parent.predictor.logits(held_out.by_parent.reviews)) if same_classes else None,
        adapted=accuracy(predictor.logits(held_out.own.reviews)),
        baseline=None if baseline is None else accuracy(baseline.logits(held_out.part)),
    )
