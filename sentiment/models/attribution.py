"""How much each token moves a review's logit: integrated gradients through the LSTM, exact n-gram shares.

The measure is the same for every encoder and readout: the logit of the review, less its logit with every word
unknown, told apart token by token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentiment.models.classifier import UNKNOWN_ID, SentimentClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.lstm import TruncatedLSTM

STEPS = 32  # on IMDB the contributions then miss the logit by less than 0.01


class Attribution(NamedTuple):
    """One review's logit, told apart: `base + contributions_T.sum() + rest = logit`."""

    logit: float
    """As the network's `forward` gives it."""
    base: float
    """The logit of the same review with every word unknown."""
    contributions_T: Tensor
    """float32: what each token adds."""
    rest: float
    """What the sum over `STEPS` misses of the integral."""


def attribute(model: nn.Module, tokens_1T: Tensor) -> Attribution:
    """Tell one review's logit apart; `tokens_1T` is int64, (1, T, C) of several channels.

    Source: Sundararajan et al. 2017, the integral as a sum over midpoints. The path leads from the embeddings
    of unknown words to those of the review, which word dropout makes a path the network has met.
    """
    lengths_1 = torch.tensor([tokens_1T.shape[1]], device=tokens_1T.device)
    unknown_1T = torch.full_like(tokens_1T, UNKNOWN_ID)
    with torch.inference_mode():
        logit, base = (float(model(tokens, lengths_1)) for tokens in (tokens_1T, unknown_1T))
    if isinstance(model, Ensemble):
        members = [_integrate(member, tokens_1T, unknown_1T, lengths_1) for member in model.members]
        contributions_T = torch.stack(members).mean(dim=0)
        if model.evidence is not None:
            shares_T = model.evidence.contributions(tokens_1T)
            contributions_T = (1 - model.weight) * contributions_T + model.weight * shares_T
    else:
        contributions_T = _integrate(model, tokens_1T, unknown_1T, lengths_1)
    return Attribution(logit, base, contributions_T, logit - base - float(contributions_T.sum()))


def _integrate(model: nn.Module, tokens_1T: Tensor, unknown_1T: Tensor, lengths_1: Tensor) -> Tensor:
    """contributions_T of one classifier: the path's mean gradient times its length, summed over features."""
    assert isinstance(model, SentimentClassifier)
    with torch.no_grad():
        start_1TE, end_1TE = model.embed(unknown_1T), model.embed(tokens_1T)
    shares_S = (torch.arange(STEPS, device=start_1TE.device) + 0.5) / STEPS
    shares_S = shares_S.reshape(-1, *[1] * (start_1TE.dim() - 1))
    path_STE = (start_1TE + shares_S * (end_1TE - start_1TE)).requires_grad_()
    with _whole_gradient(model), torch.enable_grad():
        logits_S = model.classify(path_STE, lengths_1.expand(STEPS))
    (gradient_STE,) = torch.autograd.grad(logits_S.sum(), path_STE)
    contributions_TE = gradient_STE.mean(dim=0) * (end_1TE - start_1TE)[0]
    return contributions_TE.flatten(1).sum(dim=1)


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
