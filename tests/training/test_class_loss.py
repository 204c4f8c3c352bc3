"""The loss of a classifier: for any number of classes, weighted or not."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from sentiment.training.class_loss import TWO_CLASSES, ClassLoss, count_hits

LOGITS_B = torch.tensor([2.0, -1.0, 0.5, -3.0])
LOGITS_BO = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.5], [0.1, 0.2, 3.0], [1.0, -1.0, 0.0]])
LABELS_N = np.array([0, 1, 2, 1], dtype=np.int8)


def test_two_classes_have_one_logit():
    labels_N = np.array([1, 0, 0, 1], dtype=np.int8)
    targets = torch.from_numpy(TWO_CLASSES.targets(labels_N)).float()
    assert torch.equal(
        TWO_CLASSES.sum(LOGITS_B, targets),
        binary_cross_entropy_with_logits(LOGITS_B, targets, reduction="sum"),
    )
    assert count_hits(LOGITS_B, targets) == 2


def test_more_classes_have_a_logit_each():
    loss = ClassLoss(3)
    targets = torch.from_numpy(loss.targets(LABELS_N))
    expected = cross_entropy(LOGITS_BO, torch.from_numpy(LABELS_N).long(), reduction="sum")
    torch.testing.assert_close(loss.sum(LOGITS_BO, targets), expected)
    assert count_hits(LOGITS_BO, targets) == 3


def test_probabilities_are_targets_too():
    soft = np.full((4, 3), 1 / 3, dtype=np.float32)
    assert ClassLoss(3).targets(soft) is soft


@pytest.mark.parametrize("classes", [2, 3])
def test_balanced_classes_weigh_the_same_in_sum_and_reviews_one_on_average(classes):
    labels_N = np.array(([0] * 6 + [1] * 3 + [2] * 1) if classes == 3 else [0] * 8 + [1] * 2, dtype=np.int8)
    loss = ClassLoss.balanced(labels_N, classes)
    weights_N = np.array(loss.class_weights)[labels_N]
    assert weights_N.mean() == pytest.approx(1)
    sums = np.bincount(labels_N, weights_N)
    np.testing.assert_allclose(sums, sums[0])
    shape = (10,) if classes == 2 else (10, classes)
    logits, targets = torch.randn(shape), torch.from_numpy(loss.targets(labels_N)).float()
    one_by_one = [ClassLoss(classes).sum(logits[n : n + 1], targets[n : n + 1]) for n in range(10)]
    expected = sum(weight * value for weight, value in zip(weights_N, one_by_one, strict=True))
    torch.testing.assert_close(loss.sum(logits, targets), expected.float())
