"""How much each token moves a review's logit: integrated gradients through the LSTM, exact n-gram shares.

The measure is the same for every encoder and readout: the logit of the review, less its logit with every word
unknown, broken down token by token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentiment.data.ids import UNKNOWN_ID
from sentiment.models.classifier import SentimentClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.lstm import TruncatedLSTM

FEWEST_STEPS, MOST_STEPS = 32, 512
LITTLE = 0.02  # a rest that is not worth more steps, in logits
LITTLE_SHARE = 0.05  # or as a share of what the words add
CHUNK_TOKENS = 16_384  # of the path at a time, so that memory does not grow with the steps


class Attribution(NamedTuple):
    """One review's logit, broken down: `base + contributions_T.sum() + rest = logit`."""

    logit: float
    """As the network's `forward` gives it."""
    base: float
    """The logit of the same review with every word unknown."""
    contributions_T: Tensor
    """float32: what each token adds."""
    rest: float
    """What a sum over steps misses of the integral."""

    @property
    def is_complete(self) -> bool:
        """Whether the contributions account for the logit, but for a little."""
        return abs(self.rest) <= max(LITTLE, LITTLE_SHARE * abs(self.logit - self.base))


def attribute(model: nn.Module, tokens_1T: Tensor) -> Attribution:
    """Break one review's logit down; `tokens_1T` is int64, (1, T, C) of several channels.

    Source: Sundararajan et al. 2017, the integral as a sum over midpoints, twice as many as long as much is
    missing. The path leads from the embeddings of unknown words to those of the review, which word dropout
    makes a path the network has met.
    """
    lengths_1 = torch.tensor([tokens_1T.shape[1]], device=tokens_1T.device)
    unknown_1T = torch.full_like(tokens_1T, UNKNOWN_ID)
    with torch.inference_mode():
        logit, base = (float(model(tokens, lengths_1)) for tokens in (tokens_1T, unknown_1T))
    steps = FEWEST_STEPS
    while True:
        contributions_T = _contributions(model, tokens_1T, unknown_1T, lengths_1, steps)
        rest = logit - base - float(contributions_T.sum())
        found = Attribution(logit, base, contributions_T, rest)
        if found.is_complete or steps >= MOST_STEPS:
            return found
        steps *= 2


def _contributions(
    model: nn.Module, tokens_1T: Tensor, unknown_1T: Tensor, lengths_1: Tensor, steps: int
) -> Tensor:
    """contributions_T of a classifier, or of an ensemble: mixed as its logit is."""
    if not isinstance(model, Ensemble):
        return _integrate(model, tokens_1T, unknown_1T, lengths_1, steps)
    members = [_integrate(member, tokens_1T, unknown_1T, lengths_1, steps) for member in model.members]
    contributions_T = torch.stack(members).mean(dim=0)
    if model.evidence is None:
        return contributions_T
    shares_T = model.evidence.contributions(tokens_1T)
    return (1 - model.weight) * contributions_T + model.weight * shares_T


def _integrate(
    model: nn.Module, tokens_1T: Tensor, unknown_1T: Tensor, lengths_1: Tensor, steps: int
) -> Tensor:
    """contributions_T of one classifier: the path's mean gradient times its length, summed over features."""
    assert isinstance(model, SentimentClassifier)
    with torch.no_grad():
        start_1TE, end_1TE = model.embed(unknown_1T), model.embed(tokens_1T)
    shares_S = (torch.arange(steps, device=start_1TE.device) + 0.5) / steps
    gradient_TE = torch.zeros_like(start_1TE[0])
    for shares_K in torch.split(shares_S, max(1, CHUNK_TOKENS // tokens_1T.shape[1])):
        shares_K = shares_K.reshape(-1, *[1] * (start_1TE.dim() - 1))
        path_KTE = (start_1TE + shares_K * (end_1TE - start_1TE)).requires_grad_()
        with _whole_gradient(model), torch.enable_grad():
            logits_K = model.classify(path_KTE, lengths_1.expand(len(path_KTE)))
        (gradient_KTE,) = torch.autograd.grad(logits_K.sum(), path_KTE)
        gradient_TE += gradient_KTE.sum(dim=0) / steps
    return (gradient_TE * (end_1TE - start_1TE)[0]).flatten(1).sum(dim=1)


@contextmanager
def _whole_gradient(model: nn.Module) -> Iterator[None]:
    """Let the gradient of a network in evaluation mode flow through every step."""
    truncated = [module for module in model.modules() if isinstance(module, TruncatedLSTM)]
    own = [module.truncation for module in truncated]
    for module in truncated:
        module.truncation = torch.iinfo(torch.int64).max
    try:
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN keeps no gradient outside of training
            yield
    finally:
        for module, truncation in zip(truncated, own, strict=True):
            module.truncation = truncation
