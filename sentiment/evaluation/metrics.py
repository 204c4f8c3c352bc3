"""What the logits of labelled reviews are worth."""

import math
from dataclasses import dataclass

import numpy as np

from sentiment.inference.scoring import probabilities

CALIBRATION_BINS = 15
SIGNIFICANT = 0.05
LARGEST_POWER = math.log(20)  # of a temperature's range


@dataclass(frozen=True)
class Evaluation:
    """Figures over one split; shares and probabilities lie in [0, 1]."""

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
    """None where the split has one class only."""
    calibration_error: float
    """Expected calibration error over 15 bins of equal width."""
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


@dataclass(frozen=True)
class PairedTest:
    """Whether one of two models is right more often, from the reviews on which they differ."""

    only_first: int
    """Reviews that only the first model got right."""
    only_second: int
    p_value: float
    """Probability of a difference as large as this one, either way, were both equally good."""

    def is_significant(self, tests: int = 1) -> bool:
        """Whether chance is an unlikely reason, also where it had as many tries as there are `tests`."""
        return self.p_value < SIGNIFICANT / tests

    def describe(self) -> str:
        """The p-value, such as `p = 0.03`."""
        return "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"


@dataclass(frozen=True)
class ReliabilityBin:
    """Reviews of similar confidence, the probability of the class that was predicted."""

    reviews: int
    confidence: float
    """Their mean."""
    accuracy: float


def evaluate(logits_N: np.ndarray, labels_N: np.ndarray, threshold: float = 0.5) -> Evaluation:
    """Judge logits against labels (1 positive, 0 negative), by sums over reviews, not means of batches.

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
    """The logit of a probability, infinite at 0 and 1."""
    if probability in (0, 1):
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1 - probability))


def best_threshold(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """The threshold with the highest accuracy, midway between two reviews; of several the nearest to 0.5."""
    order = np.argsort(logits_N, kind="stable")
    sorted_N, positive_N = logits_N[order].astype(np.float64), labels_N[order] == 1
    # With the k lowest reviews negative: k - positives among them, and the positives above.
    below = np.concatenate([[0], np.cumsum(positive_N)])
    right = np.arange(len(order) + 1) - 2 * below
    edges = np.concatenate([[sorted_N[0] - 1], sorted_N, [sorted_N[-1] + 1]])
    cuts = (edges[:-1] + edges[1:]) / 2
    possible = edges[:-1] < edges[1:]
    best = cuts[possible & (right == right[possible].max())]
    return float(probabilities(best[np.argmin(np.abs(best))]))


def best_temperature(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """The number that logits are to be divided by for the lowest loss; 1 if none from 0.05 to 20 is best.

    So it is where every review is right: dividing by ever less then lowers the loss for ever.
    Source: temperature scaling, Guo et al. 2017.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda power: cross_entropy(logits_N / math.exp(power), labels_N),
        bounds=(-LARGEST_POWER, LARGEST_POWER),
        method="bounded",
    )
    return math.exp(found.x) if abs(found.x) < 0.99 * LARGEST_POWER else 1.0


def mcnemar(first_N: np.ndarray, second_N: np.ndarray, labels_N: np.ndarray) -> PairedTest:
    """McNemar's test (1947), exact and two-sided, of two models' logits of the same reviews.

    Without a review on which they differ the p-value is 1.
    """
    from scipy.stats import binomtest

    first_right_N, second_right_N = ((logits_N > 0) == (labels_N == 1) for logits_N in (first_N, second_N))
    only_first = int((first_right_N & ~second_right_N).sum())
    only_second = int((second_right_N & ~first_right_N).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return PairedTest(only_first, only_second, p_value)


def cross_entropy(logits_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Mean of log(1 + exp(-z)) with z the logit towards the label; stable at any logit."""
    towards_N = np.where(labels_N == 1, logits_N, -logits_N).astype(np.float64)
    return float(np.logaddexp(0, -towards_N).mean())


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927): sound near 0 and 1, where the usual +- is not."""
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # The share lies within, also where rounding puts an end of 0 or 1 just beside it.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def calibration_error(positive_N: np.ndarray, labels_N: np.ndarray) -> float:
    """Expected calibration error (Guo et al. 2017) of the predicted class's probability."""
    bins = reliability(positive_N, labels_N)
    return sum(bin.reviews * abs(bin.confidence - bin.accuracy) for bin in bins) / len(labels_N)


def reliability(positive_N: np.ndarray, labels_N: np.ndarray) -> list[ReliabilityBin]:
    """Confidence beside accuracy, over those of 15 bins of equal width that hold a review."""
    confidence_N = np.maximum(positive_N, 1 - positive_N)
    hit_N = (positive_N > 0.5) == (labels_N == 1)
    bins_N = np.minimum((confidence_N * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            int((bins_N == bin).sum()),
            float(confidence_N[bins_N == bin].mean()),
            float(hit_N[bins_N == bin].mean()),
        )
        for bin in np.unique(bins_N)
    ]
