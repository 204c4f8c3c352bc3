"""Metrics of a model from its logits of labelled reviews."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentiment.config.classes import CLASS_NAMES, class_numbers
from sentiment.inference.scoring import class_probabilities, likeliest_classes, logit, probabilities

CALIBRATION_BINS = 15
SIGNIFICANCE_LEVEL = 0.05
LARGEST_LOG_TEMPERATURE = math.log(20)
LARGEST_HALF_LENGTH = 100.0  # tokens
COMMON_SUMMARY = ("reviews", "accuracy", "accuracy_low", "accuracy_high", "loss")
CONFUSION_OF_TWO = ("true_positives", "false_positives", "true_negatives", "false_negatives")
SUMMARY_OF_TWO = (*COMMON_SUMMARY, "f1", "roc_auc", "calibration_error", *CONFUSION_OF_TWO)
SUMMARY_OF_MORE = (*COMMON_SUMMARY, "macro_f1", "calibration_error")


@dataclass(frozen=True, kw_only=True)
class ClassEvaluation:
    """How well one class is recognised."""

    name: str
    support: int
    """Reviews of the class."""
    predicted: int
    """Reviews that were given its label."""
    precision: float
    """The share of those that are right; 0 if there are none."""
    recall: float
    """The share of the class's reviews that were given its label; 0 if there are none."""
    f1: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Metrics over one split; shares and probabilities are in [0, 1]."""

    reviews: int
    accuracy: float
    accuracy_low: float
    """Lower end of the accuracy's 95% interval (Wilson)."""
    accuracy_high: float
    loss: float
    """Mean cross-entropy in nats."""
    macro_f1: float
    """The mean over the classes that occur as a label or as an answer."""
    weighted_f1: float
    """The mean over the classes, weighed by how many reviews they have."""
    calibration_error: float
    """Expected calibration error over 15 bins of equal width, of the predicted class's probability."""
    classes: list[ClassEvaluation]
    confusion: list[list[int]]
    """Row k: how many reviews of class k were given the label of each class."""
    f1: float | None = None
    """Of the second of two classes, such as positive; None with more classes, as all below."""
    roc_auc: float | None = None
    """None also if the split has one class only."""
    true_positives: int | None = None
    false_positives: int | None = None
    true_negatives: int | None = None
    false_negatives: int | None = None
    mean_absolute_error: float | None = None
    """Of classes whose names are numbers, such as stars; None with two classes or other names."""
    quadratic_kappa: float | None = None
    """Agreement beyond chance that punishes far misses more (Cohen 1968); None as above."""

    def summary(self) -> dict[str, Any]:
        """Return what metrics.jsonl records of an epoch."""
        keys = SUMMARY_OF_TWO if len(self.classes) == 2 else SUMMARY_OF_MORE
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class PairedTest:
    """Whether one of two models is right more often, by the reviews on which they differ."""

    only_first: int
    """Reviews that only the first model got right."""
    only_second: int
    p_value: float
    """If both were equally good: the probability of a difference at least this large in either direction."""

    def is_significant(self, tests: int = 1) -> bool:
        """Whether the difference is unlikely to be chance, given the number of `tests` (Bonferroni)."""
        return self.p_value < SIGNIFICANCE_LEVEL / tests

    def describe(self) -> str:
        """Return the p-value, such as `p = 0.03`."""
        return "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"


@dataclass(frozen=True)
class ReliabilityBin:
    """Reviews of similar confidence, which is the probability of the predicted class."""

    reviews: int
    confidence: float
    """Their mean confidence."""
    accuracy: float


def evaluate(
    logits: np.ndarray,
    labels_N: np.ndarray,
    threshold: float = 0.5,
    class_names: Sequence[str] | None = None,
) -> Evaluation:
    """Compare logits with labels (numbers of classes), by sums over reviews, not means of batches.

    `logits` is (N,) for two classes, (N, K) for more. Of two classes, a review counts as the second one if
    its probability is above `threshold`. Of more it counts as the likeliest. Without `class_names`, two
    classes are called negative and positive, more are called by their numbers.
    """
    if class_names is None:
        class_names = CLASS_NAMES if logits.ndim == 1 else [f"{number}" for number in range(logits.shape[1])]
    predicted_N = predicted_classes(logits, threshold)
    confusion_KK = np.zeros((len(class_names), len(class_names)), dtype=np.int64)
    np.add.at(confusion_KK, (labels_N, predicted_N), 1)
    reviews, hits = len(labels_N), int(np.trace(confusion_KK))
    classes = [_evaluate_class(name, number, confusion_KK) for number, name in enumerate(class_names)]
    present = [own.f1 for own in classes if own.support or own.predicted]
    low, high = wilson_interval(hits, reviews)
    further = _evaluate_two if logits.ndim == 1 else _evaluate_numbers
    return Evaluation(
        reviews=reviews,
        accuracy=hits / reviews,
        accuracy_low=low,
        accuracy_high=high,
        loss=cross_entropy(logits, labels_N),
        macro_f1=sum(present) / len(present),
        weighted_f1=sum(own.f1 * own.support for own in classes) / reviews,
        calibration_error=calibration_error(logits, labels_N),
        classes=classes,
        confusion=confusion_KK.tolist(),
        **further(logits, labels_N, confusion_KK, class_names),
    )


def _evaluate_class(name: str, number: int, confusion_KK: np.ndarray) -> ClassEvaluation:
    hits, support = int(confusion_KK[number, number]), int(confusion_KK[number].sum())
    predicted = int(confusion_KK[:, number].sum())
    return ClassEvaluation(
        name=name,
        support=support,
        predicted=predicted,
        precision=hits / max(1, predicted),
        recall=hits / max(1, support),
        f1=2 * hits / max(1, support + predicted),
    )


def _evaluate_two(
    logits_N: np.ndarray, labels_N: np.ndarray, confusion_KK: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """Return the metrics that only two classes have."""
    from sklearn.metrics import roc_auc_score

    (tn, fp), (fn, tp) = confusion_KK.tolist()
    return {
        "f1": 2 * tp / max(1, 2 * tp + fp + fn),
        "roc_auc": float(roc_auc_score(labels_N, logits_N)) if len(np.unique(labels_N)) == 2 else None,
        "true_positives": tp,
        "false_positives": fp,
        "true_negatives": tn,
        "false_negatives": fn,
    }


def _evaluate_numbers(
    logits_NK: np.ndarray, labels_N: np.ndarray, confusion_KK: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """Return the metrics of more classes whose names are numbers; nothing for other names."""
    numbers = class_numbers(class_names)
    if numbers is None:
        return {}
    distances_KK = np.abs(np.subtract.outer(numbers, numbers))
    by_chance_KK = np.outer(confusion_KK.sum(axis=1), confusion_KK.sum(axis=0)) / len(labels_N)
    expected = float((distances_KK**2 * by_chance_KK).sum())
    found = float((distances_KK**2 * confusion_KK).sum())
    return {
        "mean_absolute_error": float((distances_KK * confusion_KK).sum()) / len(labels_N),
        "quadratic_kappa": 1 - found / expected if expected else None,
    }


def predicted_classes(logits: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return the number of each review's predicted class (int64); see `evaluate`."""
    if logits.ndim == 1:
        predicted_N: np.ndarray = (logits > logit(threshold)).astype(np.int64)
        return predicted_N
    return likeliest_classes(logits)


def best_threshold(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Find the threshold of the highest accuracy; of equally good ones the nearest to 0.5.

    It is midway between the logits of two neighbours.
    """
    order = np.argsort(logits_N, kind="stable")
    sorted_N, positive_N = logits_N[order].astype(np.float64), labels_N[order] == 1
    # How many are right, less a constant, if the k lowest are called negative: k - 2 * positives among them.
    below = np.concatenate([[0], np.cumsum(positive_N)])
    right = np.arange(len(order) + 1) - 2 * below
    edges = np.concatenate([[sorted_N[0] - 1], sorted_N, [sorted_N[-1] + 1]])
    cuts = (edges[:-1] + edges[1:]) / 2
    possible = edges[:-1] < edges[1:]
    best = cuts[possible & (right == right[possible].max())]
    return float(probabilities(best[np.argmin(np.abs(best))]))


def best_temperature(logits: np.ndarray, labels_N: np.ndarray) -> float:
    """Find the temperature, from 0.05 to 20, that gives the lowest loss when logits are divided by it.

    It is 1 if the loss is lowest at an end of this range. For example, if every review is right, a smaller
    temperature always lowers the loss. Source: temperature scaling, Guo et al. 2017.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_temperature: cross_entropy(logits / math.exp(log_temperature), labels_N),
        bounds=(-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE),
        method="bounded",
    )
    return math.exp(found.x) if abs(found.x) < 0.99 * LARGEST_LOG_TEMPERATURE else 1.0


def best_half_length(logits: np.ndarray, lengths_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Find the h, in tokens, that gives the lowest loss when logits are multiplied by n / (n + h).

    `lengths_N` are the tokens n of each text. It is 0 unless some h up to 100 is better.
    """
    from scipy.optimize import minimize_scalar

    lengths = lengths_N.reshape(-1, *[1] * (logits.ndim - 1))

    def loss(half: float) -> float:
        return cross_entropy(logits * lengths / (lengths + half), labels_N)

    found = minimize_scalar(loss, bounds=(0, LARGEST_HALF_LENGTH), method="bounded")
    return float(found.x) if found.fun < loss(0) else 0.0


def mcnemar(first: np.ndarray, second: np.ndarray, labels_N: np.ndarray) -> PairedTest:
    """Run McNemar's test (1947), exact and two-sided, on two models' logits of the same reviews.

    If they never differ, the p-value is 1.
    """
    from scipy.stats import binomtest

    first_right_N, second_right_N = (likeliest_classes(logits) == labels_N for logits in (first, second))
    only_first = int((first_right_N & ~second_right_N).sum())
    only_second = int((second_right_N & ~first_right_N).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return PairedTest(only_first=only_first, only_second=only_second, p_value=p_value)


def cross_entropy(logits: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the mean of -log(p), where p is the probability of the right class; stable at any logit."""
    if logits.ndim == 1:
        towards_N = np.where(labels_N == 1, logits, -logits).astype(np.float64)
        return float(np.logaddexp(0, -towards_N).mean())
    logits = logits.astype(np.float64)
    right_N = logits[np.arange(len(labels_N)), labels_N]
    return float((np.logaddexp.reduce(logits, axis=1) - right_N).mean())


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927); near 0 and 1 it is better than the usual +-."""
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # Rounding must not leave the share outside its own interval.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def calibration_error(logits: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the expected calibration error (Guo et al. 2017) of the predicted class's probability."""
    bins = reliability(logits, labels_N)
    return sum(bin.reviews * abs(bin.confidence - bin.accuracy) for bin in bins) / len(labels_N)


def reliability(logits: np.ndarray, labels_N: np.ndarray) -> list[ReliabilityBin]:
    """Return confidence and accuracy in 15 bins of equal width; empty bins are left out."""
    confidence_N = class_probabilities(logits).max(axis=1)
    hit_N = likeliest_classes(logits) == labels_N
    bins_N = np.minimum((confidence_N * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            reviews=int((bins_N == bin).sum()),
            confidence=float(confidence_N[bins_N == bin].mean()),
            accuracy=float(hit_N[bins_N == bin].mean()),
        )
        for bin in np.unique(bins_N)
    ]
