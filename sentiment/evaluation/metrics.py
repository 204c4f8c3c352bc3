"""Metrics of a model from its logits of labelled reviews."""

import math
from dataclasses import dataclass

import numpy as np

from sentiment.inference.scoring import probabilities

CALIBRATION_BINS = 15
SIGNIFICANCE_LEVEL = 0.05
LARGEST_LOG_TEMPERATURE = math.log(20)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Metrics over one split; shares and probabilities are in [0, 1]."""

    reviews: int
    accuracy: float
    accuracy_low: float
    """Lower end of the accuracy's 95% interval (Wilson)."""
    accuracy_high: float
    loss: float
    """Mean binary cross-entropy in nats."""
    f1: float
    """Of the positive class."""
    roc_auc: float | None
    """None if the split has one class only."""
    calibration_error: float
    """Expected calibration error over 15 bins of equal width."""
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


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


def evaluate(logits_N: np.ndarray, labels_N: np.ndarray, threshold: float = 0.5) -> Evaluation:
    """Compare logits with labels (1 positive, 0 negative), by sums over reviews, not means of batches.

    A review counts as positive if its probability is above `threshold`.
    """
    from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

    positive_N = probabilities(logits_N)
    predicted_N = (logits_N > logit(threshold)).astype(int)
    tn, fp, fn, tp = (int(count) for count in confusion_matrix(labels_N, predicted_N, labels=[0, 1]).ravel())
    low, high = wilson_interval(tp + tn, len(labels_N))
    return Evaluation(
        reviews=len(labels_N),
        accuracy=(tp + tn) / len(labels_N),
        accuracy_low=low,
        accuracy_high=high,
        loss=cross_entropy(logits_N, labels_N),
        f1=float(f1_score(labels_N, predicted_N, zero_division=0.0)),
        roc_auc=float(roc_auc_score(labels_N, logits_N)) if len(np.unique(labels_N)) == 2 else None,
        calibration_error=calibration_error(positive_N, labels_N),
        true_positives=tp,
        false_positives=fp,
        true_negatives=tn,
        false_negatives=fn,
    )


def logit(probability: float) -> float:
    """Return the logit of a probability, infinite at 0 and 1."""
    if probability in (0, 1):
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1 - probability))


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


def best_temperature(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Find the temperature, from 0.05 to 20, that gives the lowest loss when logits are divided by it.

    It is 1 if the loss is lowest at an end of this range. For example, if every review is right, a smaller
    temperature always lowers the loss. Source: temperature scaling, Guo et al. 2017.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_temperature: cross_entropy(logits_N / math.exp(log_temperature), labels_N),
        bounds=(-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE),
        method="bounded",
    )
    return math.exp(found.x) if abs(found.x) < 0.99 * LARGEST_LOG_TEMPERATURE else 1.0


def mcnemar(first_N: np.ndarray, second_N: np.ndarray, labels_N: np.ndarray) -> PairedTest:
    """Run McNemar's test (1947), exact and two-sided, on two models' logits of the same reviews.

    If they never differ, the p-value is 1.
    """
    from scipy.stats import binomtest

    first_right_N, second_right_N = ((logits_N > 0) == (labels_N == 1) for logits_N in (first_N, second_N))
    only_first = int((first_right_N & ~second_right_N).sum())
    only_second = int((second_right_N & ~first_right_N).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return PairedTest(only_first=only_first, only_second=only_second, p_value=p_value)


def cross_entropy(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the mean of log(1 + exp(-z)), where z is the logit of the right label; stable at any logit."""
    towards_N = np.where(labels_N == 1, logits_N, -logits_N).astype(np.float64)
    return float(np.logaddexp(0, -towards_N).mean())


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927); near 0 and 1 it is better than the usual +-."""
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # Rounding must not leave the share outside its own interval.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def calibration_error(positive_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the expected calibration error (Guo et al. 2017) of the predicted class's probability."""
    bins = reliability(positive_N, labels_N)
    return sum(bin.reviews * abs(bin.confidence - bin.accuracy) for bin in bins) / len(labels_N)


def reliability(positive_N: np.ndarray, labels_N: np.ndarray) -> list[ReliabilityBin]:
    """Return confidence and accuracy in 15 bins of equal width; empty bins are left out."""
    confidence_N = np.maximum(positive_N, 1 - positive_N)
    hit_N = (positive_N > 0.5) == (labels_N == 1)
    bins_N = np.minimum((confidence_N * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            reviews=int((bins_N == bin).sum()),
            confidence=float(confidence_N[bins_N == bin].mean()),
            accuracy=float(hit_N[bins_N == bin].mean()),
        )
        for bin in np.unique(bins_N)
    ]
