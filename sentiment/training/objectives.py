"""Objectives, which a training step minimises: predict words (language model) or labels (classifier)."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.data.batches import AnyReviews, LabelledReviews, TurnedReviews
from sentiment.inference.scoring import Scored, probabilities, score_in_turn
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.lstm import padding_mask
from sentiment.system.device import Machine
from sentiment.training.class_loss import TWO_CLASSES, ClassLoss, count_hits

MOST_DOUBT = 0.2  # the teacher agrees with the words if its probability is so near to their label


class Objective(Protocol):
    """A loss over reviews that is a mean of terms. A batch can be computed in parts, by several processes."""

    lengths_N: np.ndarray
    """int64: how many tokens each review has."""
    classifies: bool
    """Whether a term is a review that is classified right or wrong."""

    def terms(self, indices: list[int]) -> int:
        """Return how many terms the loss of these reviews has."""
        ...

    def backward(
        self, model: nn.Module, indices: list[int], terms: int, machine: Machine
    ) -> tuple[float, int]:
        """Add the gradient of the reviews' summed loss over `terms` to the parameters.

        Returns that loss, and how many of the reviews were classified right.
        """
        ...


class Words:
    """Predict each direction's next word, in reviews with and without labels."""

    classifies = False

    def __init__(self, reviews: AnyReviews, directions: int) -> None:
        self.lengths_N = reviews.lengths_N
        self._reviews = reviews
        self._directions = directions

    def terms(self, indices: list[int]) -> int:
        """Return how many words to predict; at least 1, to divide by, even for one-word reviews."""
        return max(1, self._directions * int((self.lengths_N[indices] - 1).sum()))

    def backward(
        self, model: nn.Module, indices: list[int], terms: int, machine: Machine
    ) -> tuple[float, int]:
        """See `Objective`; nothing is classified."""
        batch = self._reviews.batch(indices).to(machine.device)
        with machine.autocast():
            loss: Tensor = model(batch.tokens_BT, batch.lengths_B) / terms
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), 0


class Labels:
    """Predict the labels of reviews; if `adversarial` is not 0, also with embeddings moved to raise the loss.

    Source of the adversarial loss: Miyato et al. 2017. They move embeddings of unit variance by a fixed norm.
    Here the move is a share of each review's own norm and fits embeddings of any scale.
    """

    classifies = True

    def __init__(self, reviews: LabelledReviews, adversarial: float, loss: ClassLoss = TWO_CLASSES) -> None:
        self.lengths_N = reviews.reviews.lengths_N
        self._reviews = reviews.reviews
        self._targets = loss.targets(reviews.labels_N)
        self._loss = loss
        self._adversarial = adversarial

    def terms(self, indices: list[int]) -> int:
        """Return the number of reviews."""
        return len(indices)

    def backward(
        self, model: nn.Module, indices: list[int], terms: int, machine: Machine
    ) -> tuple[float, int]:
        """See `Objective`; with an adversarial move the loss is the mean of the plain and the moved one."""
        assert isinstance(model, LSTMClassifier)
        batch = self._reviews.batch(indices).to(machine.device)
        targets = torch.from_numpy(self._targets[indices]).to(machine.device, torch.float32)

        def descend(inputs_BTE: Tensor, share: float) -> tuple[Tensor, float, Tensor]:
            """Add to the weights' gradient; return the logits, the loss and the gradient of the inputs."""
            leaf_BTE = inputs_BTE.detach().requires_grad_()
            with machine.autocast():
                logits = model.classify(leaf_BTE, batch.lengths_B)
            loss = self._loss.sum(logits, targets) * (share / terms)
            loss.backward()  # type: ignore[no-untyped-call]
            assert leaf_BTE.grad is not None
            return logits.detach(), float(loss.detach()), leaf_BTE.grad

        share = 0.5 if self._adversarial else 1.0
        inputs_BTE = model.embed(batch.tokens_BT)
        logits, loss, gradient_BTE = descend(inputs_BTE, share)
        if self._adversarial:
            mask_BT = padding_mask(batch.lengths_B, batch.tokens_BT.shape[1])
            move_BTE = adversarial_move(inputs_BTE, gradient_BTE, mask_BT, self._adversarial)
            _, moved_loss, moved_gradient_BTE = descend(inputs_BTE + move_BTE, share)
            loss, gradient_BTE = loss + moved_loss, gradient_BTE + moved_gradient_BTE
        inputs_BTE.backward(gradient_BTE)  # type: ignore[no-untyped-call]
        return loss, count_hits(logits, targets)


class PseudoLabels(Labels):
    """Predict labels, and for unlabelled reviews the probabilities that a teacher gives them.

    A review that was turned round gets the opposite of the probability of its original. If the teacher does
    not agree with the words of the review, it is left out.

    Sources: Xie et al. 2020 (self-training with noise), Hinton et al. 2015 (probabilities for labels),
    Kaushik et al. 2020 (learning from reviews and their counterfactuals).
    """

    def __init__(
        self,
        reviews: LabelledReviews,
        unlabelled: AnyReviews,
        loss: ClassLoss = TWO_CLASSES,
        turned: TurnedReviews | None = None,
    ) -> None:
        targets = loss.targets(reviews.labels_N)
        taught = LabelledReviews(reviews.reviews, targets).joined(_without_targets(unlabelled, targets))
        if turned is not None:
            taught = taught.joined(_without_targets(turned.reviews, targets))
        super().__init__(taught, adversarial=0.0, loss=loss)
        self._unlabelled, self._turned, self._labelled = unlabelled, turned, len(targets)
        self._whole_lengths_N = self.lengths_N
        self._places_N = np.arange(len(self.lengths_N))

    def ask(self, teacher: nn.Module, machine: Machine) -> Iterator[Scored]:
        """Use the teacher's probabilities of each unlabelled review as its label."""
        logits = yield from score_in_turn(teacher, self._unlabelled, machine, "labelling")
        given = probabilities(logits)
        end = self._labelled + len(given)
        self._targets[self._labelled : end] = given
        if self._turned is not None:
            opposite_N = 1 - given[self._turned.originals_N]
            self._targets[end:] = opposite_N
            agreed = np.flatnonzero(np.abs(opposite_N - self._turned.labels_N) <= MOST_DOUBT)
            self._places_N = np.concatenate([np.arange(end), end + agreed])
            self.lengths_N = self._whole_lengths_N[self._places_N]

    def backward(
        self, model: nn.Module, indices: list[int], terms: int, machine: Machine
    ) -> tuple[float, int]:
        """See `Objective`; reviews that were left out have no index."""
        return super().backward(model, self._places_N[indices].tolist(), terms, machine)


def _without_targets(reviews: AnyReviews, targets: np.ndarray) -> LabelledReviews:
    return LabelledReviews(reviews, np.full((len(reviews), *targets.shape[1:]), np.nan, dtype=np.float32))


@torch.no_grad()
def adversarial_move(inputs_BTE: Tensor, gradient_BTE: Tensor, mask_BT: Tensor, share: float) -> Tensor:
    """Return move_BTE along each review's gradient; its L2 norm is `share` of the inputs' norm.

    It is zero at padding and for a review whose gradient is zero. Both inputs may be (B, T, C, E).
    """
    mask_BT1 = mask_BT.reshape(*mask_BT.shape, *[1] * (inputs_BTE.dim() - 2))
    gradient_BTE, inputs_BTE = gradient_BTE * mask_BT1, inputs_BTE * mask_BT1
    lengths_B = share * inputs_BTE.flatten(1).norm(dim=1)
    norms_B = gradient_BTE.flatten(1).norm(dim=1)
    scale_B = torch.where(norms_B > 0, lengths_B / norms_B, 0.0)
    return gradient_BTE * scale_B.reshape(-1, *[1] * (inputs_BTE.dim() - 1))
