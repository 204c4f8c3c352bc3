"""Check what a user should know about the data before a training, and about the model after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentiment.evaluation.metrics import Evaluation

FEWEST_STEPS = 100  # with fewer a network has hardly left its random start


@dataclass(frozen=True, kw_only=True)
class ResultChecks:
    """What shows whether a finished model has learned anything; accuracies are of the validation reviews."""

    steps: int
    """Optimizer steps on labels; of several networks, those of the one that had the fewest."""
    has_parent: bool = False
    """Whether the networks started from those of another run."""
    validation: Evaluation | None
    """Of the whole model; None if no reviews were held out."""
    network: Evaluation | None = None
    """Of the network without the n-gram evidence; None if there is no evidence, or nothing was held out."""
    baseline: Evaluation | None = None
    """Of the n-gram baseline; None if it was not fitted."""

    def facts(self) -> dict[str, Any]:
        """Return the facts, and the warnings that follow from them, as JSON values."""
        return {
            "steps": self.steps,
            "majority_share": None if self.validation is None else _majority_of(self.validation),
            "network_accuracy": None if self.network is None else self.network.accuracy,
            "baseline_accuracy": None if self.baseline is None else self.baseline.accuracy,
            "warnings": result_warnings(self),
        }


def count_classes(labels_N: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    """Count the reviews of each class; a label is the number of its class."""
    counts_K = np.bincount(labels_N, minlength=len(class_names))
    return dict(zip(class_names, counts_K.tolist(), strict=True))


def majority_share(counts: Mapping[str, int]) -> float:
    """Return the share of the largest class: the accuracy of a model that always answers it."""
    return max(counts.values()) / max(1, sum(counts.values()))


def describe_classes(purpose: str, counts: Mapping[str, int]) -> str:
    """Return a line such as `training: 900 reviews, 300 negative and 600 positive (majority 66.7%)`."""
    *others, last = (f"{count:,} {name}" for name, count in counts.items())
    classes = f"{', '.join(others)} and {last}"
    return f"{purpose}: {sum(counts.values()):,} reviews, {classes} (majority {majority_share(counts):.1%})"


def result_warnings(checks: ResultChecks) -> list[str]:
    """Return a sentence for each sign that the model has learned little or nothing."""
    found = []
    if checks.steps < FEWEST_STEPS and not checks.has_parent:
        found.append(
            f"the network had only {checks.steps} training steps, too few to learn; use smaller batches "
            "(--set batches.reviews=16) or more epochs (--set training.epochs=20)"
        )
    whole, network, baseline = checks.validation, checks.network, checks.baseline
    if whole is None:
        return found
    if answer := _only_answer(whole):
        found.append(f"the model answers {answer} to every validation review")
    elif network is not None and (answer := _only_answer(network)):
        found.append(f"the network alone answers {answer} to every validation review; only n-grams decide")
    if whole.accuracy <= _majority_of(whole):
        found.append(
            f"the model is no better than always answering the majority class: {whole.accuracy:.2%} against "
            f"{_majority_of(whole):.2%} of {whole.reviews:,} validation reviews"
        )
    if baseline is not None and whole.accuracy < baseline.accuracy:
        found.append(
            f"the n-gram baseline is more accurate than the model: {baseline.accuracy:.2%} against "
            f"{whole.accuracy:.2%} of {whole.reviews:,} validation reviews"
        )
    return found


def _majority_of(evaluation: Evaluation) -> float:
    """Return the majority share of the reviews that were judged."""
    return majority_share({own.name: own.support for own in evaluation.classes})


def _only_answer(evaluation: Evaluation) -> str | None:
    """Return the class that every review was given, or None if several were given."""
    return next((own.name for own in evaluation.classes if own.predicted == evaluation.reviews), None)
