"""The loss of a classifier: cross-entropy over its classes, which may weigh differently."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


@dataclass(frozen=True)
class ClassLoss:
    """The loss of a classifier: how many classes there are, and how much a review of each counts."""

    classes: int = 2
    class_weights: Sequence[float] | None = None
    """A weight for each class; None if all reviews count the same."""

    @classmethod
    def balanced(cls, labels_N: np.ndarray, classes: int) -> "ClassLoss":
        """Give every class the same sum of weights over these labels; their mean is 1. Each class occurs.

        Source: King & Zeng 2001; scikit-learn's `class_weight="balanced"`.
        """
        counts_C = np.bincount(labels_N[labels_N >= 0], minlength=classes)
        return cls(classes, (counts_C.sum() / (classes * counts_C)).tolist())

    def sum(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of the cross-entropies in nats, weighted.

        `targets` (float32) are shaped as the logits: probabilities of the second of two classes (B), or of
        each class (BO).
        """
        if targets.dim() == 1:
            weights_B = None
            if self.class_weights is not None:
                first, second = self.class_weights
                weights_B = first + (second - first) * targets
            return binary_cross_entropy_with_logits(logits, targets, weights_B, reduction="sum")
        losses_B = cross_entropy(logits, targets, reduction="none")
        if self.class_weights is not None:
            losses_B = losses_B * (targets @ targets.new_tensor(self.class_weights))
        return losses_B.sum()

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """Return labels as the targets of `sum`; those of unknown labels (-1) are anything."""
        if self.classes == 2 or labels.ndim > 1:
            return labels
        targets_NO: np.ndarray = np.eye(self.classes, dtype=np.float32)[labels]
        return targets_NO


TWO_CLASSES = ClassLoss()


def count_hits(logits: Tensor, targets: Tensor) -> int:
    """Return how many reviews have the likeliest class of their targets."""
    if targets.dim() == 1:
        return int(((logits > 0) == (targets > 0.5)).sum())
    return int((logits.argmax(dim=1) == targets.argmax(dim=1)).sum())
