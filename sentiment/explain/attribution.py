"""Measure how much each token moves a review's logit for a class.

Integrated gradients measure it through the LSTM; the shares of n-gram evidence are exact. For every encoder
and readout, the contributions sum to the review's logit minus its logit with every word unknown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentiment.data.ids import UNKNOWN_ID
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.lstm import TruncatedLSTM

FEWEST_STEPS, MOST_STEPS = 32, 512
SMALL_REST = 0.02  # logits; a smaller rest is not worth more steps
SMALL_REST_SHARE = 0.05  # nor is a smaller share of what the words add
CHUNK_TOKENS = (
    16_384  # tokens of the path that are computed together; bounds the memory for any number of steps
)


@dataclass(frozen=True)
class ClassScore:
    """What is explained: the logit of one class against the others, linear in the logits of the network.

    Of two classes it is the network's only logit, or its negative; of more, the class's own logit minus the
    mean of the others.
    """

    number: int
    classes: int

    def of(self, logits: Tensor) -> Tensor:
        """Return scores_X of logits_X (two classes) or logits_XO."""
        if self.classes == 2:
            return logits if self.number == 1 else -logits
        others_X = logits.sum(dim=-1) - logits[..., self.number]
        return logits[..., self.number] - others_X / (self.classes - 1)


SECOND_OF_TWO = ClassScore(1, 2)


class Attribution(NamedTuple):
    """One review's score in parts: `base + contributions_T.sum() + rest = logit`."""

    logit: float
    """The score of the explained class; of the second of two classes, what the network's `forward` gives."""
    base: float
    """The logit of the same review with every word unknown."""
    contributions_T: Tensor
    """float32: what each token adds."""
    rest: float
    """The error of replacing the integral by a sum over steps."""

    @property
    def is_complete(self) -> bool:
        """Whether the contributions explain the logit up to a small rest."""
        return abs(self.rest) <= max(SMALL_REST, SMALL_REST_SHARE * abs(self.logit - self.base))


@dataclass(frozen=True)
class _TokenPair:
    """The two ends of the path that the gradients are integrated along."""

    unknown_1T: Tensor
    """Every word unknown."""
    tokens_1T: Tensor
    """The review."""
    lengths_1: Tensor


def attribute(model: nn.Module, tokens_1T: Tensor, score: ClassScore = SECOND_OF_TWO) -> Attribution:
    """Split one review's score for a class into its tokens' contributions.

    `tokens_1T` is int64; it is (1, T, C) if the network has several channels.

    Source: Sundararajan et al. 2017. The integral is a sum over midpoints; the number of steps doubles until
    the rest is small. The path leads from the embeddings of unknown words to those of the review, as word
    dropout has trained the network on unknown words.
    """
    lengths_1 = torch.tensor([tokens_1T.shape[1]], device=tokens_1T.device)
    ends = _TokenPair(torch.full_like(tokens_1T, UNKNOWN_ID), tokens_1T, lengths_1)
    with torch.inference_mode():
        logit, base = (float(score.of(model(tokens, lengths_1))) for tokens in (tokens_1T, ends.unknown_1T))
    steps = FEWEST_STEPS
    while True:
        contributions_T = _sum_contributions(model, ends, steps, score)
        rest = logit - base - float(contributions_T.sum())
        attribution = Attribution(logit, base, contributions_T, rest)
        if attribution.is_complete or steps >= MOST_STEPS:
            return attribution
        steps *= 2


def _sum_contributions(model: nn.Module, ends: _TokenPair, steps: int, score: ClassScore) -> Tensor:
    """Return contributions_T of a classifier, or of an ensemble, mixed in the same way as its logits."""
    if not isinstance(model, Ensemble):
        return _integrate_gradients(model, ends, steps, score)
    members = [_integrate_gradients(member, ends, steps, score) for member in model.members]
    contributions_T = torch.stack(members).mean(dim=0)
    if model.evidence is not None:
        shares_T = score.of(model.evidence.contributions(ends.tokens_1T))
        contributions_T = (1 - model.weight) * contributions_T + model.weight * shares_T
    if model.length_scale is not None:
        contributions_T = model.length_scale(contributions_T[None], ends.lengths_1)[0]
    return contributions_T


def _integrate_gradients(model: nn.Module, ends: _TokenPair, steps: int, score: ClassScore) -> Tensor:
    """Return contributions_T of one classifier: mean gradient times path length, summed over features."""
    assert isinstance(model, LSTMClassifier)
    with torch.no_grad():
        start_1TE, end_1TE = model.embed(ends.unknown_1T), model.embed(ends.tokens_1T)
    shares_S = (torch.arange(steps, device=start_1TE.device) + 0.5) / steps
    gradient_TE = torch.zeros_like(start_1TE[0])
    for shares_K in torch.split(shares_S, max(1, CHUNK_TOKENS // ends.tokens_1T.shape[1])):
        shares_K = shares_K.reshape(-1, *[1] * (start_1TE.dim() - 1))
        path_KTE = (start_1TE + shares_K * (end_1TE - start_1TE)).requires_grad_()
        with _gradients_in_evaluation(model), torch.enable_grad():
            scores_K = score.of(model.classify(path_KTE, ends.lengths_1.expand(len(path_KTE))))
        (gradient_KTE,) = torch.autograd.grad(scores_K.sum(), path_KTE)
        gradient_TE += gradient_KTE.sum(dim=0) / steps
    return (gradient_TE * (end_1TE - start_1TE)[0]).flatten(1).sum(dim=1)


@contextmanager
def _gradients_in_evaluation(model: nn.Module) -> Iterator[None]:
    """Let gradients flow through every time step of a network that is in evaluation mode."""
    truncated = [module for module in model.modules() if isinstance(module, TruncatedLSTM)]
    truncations = [module.truncation for module in truncated]
    for module in truncated:
        module.truncation = torch.iinfo(torch.int64).max
    try:
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN gives gradients in training mode only
            yield
    finally:
        for module, truncation in zip(truncated, truncations, strict=True):
            module.truncation = truncation
