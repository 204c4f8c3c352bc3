"""Score reviews with a network: the one way from encoded reviews to logits, in training and afterwards."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sentiment.config import BatchSettings
from sentiment.data.batches import AnyReviews, sorted_batches
from sentiment.system.device import Machine

BATCHES = BatchSettings(tokens=16_384)  # enough to keep two cores busy, little enough to stay in cache


@dataclass(frozen=True)
class Scored:
    """Some more of the reviews are scored, of those that this process has a share in."""

    purpose: str
    """What they are scored for, such as `validating`."""
    reviews: int
    of: int


def score_in_turn(
    model: nn.Module, reviews: AnyReviews, machine: Machine, purpose: str
) -> Generator[Scored, None, np.ndarray]:
    """As `score`, but saying so after each batch, which are made of reviews of like length."""
    model.eval()
    batches = machine.processes.share(sorted_batches(reviews.lengths_N, BATCHES))
    own = sum(map(len, batches))
    logits_N = np.zeros(len(reviews), dtype=np.float32)
    for indices in batches:
        batch = reviews.batch(indices).to(machine.device)
        with machine.using_threads(), torch.inference_mode(), machine.autocast():
            logits_B = model(batch.tokens_BT, batch.lengths_B)
        logits_N[indices] = logits_B.cpu().numpy()
        yield Scored(purpose, len(indices), own)
    machine.processes.sum(torch.from_numpy(logits_N))
    return logits_N


def score(model: nn.Module, reviews: AnyReviews, machine: Machine) -> np.ndarray:
    """logits_N (float32) in the reviews' own order; processes that train together share the work."""
    scoring = score_in_turn(model, reviews, machine, "scoring")
    while True:
        try:
            next(scoring)
        except StopIteration as end:
            logits_N: np.ndarray = end.value
            return logits_N


def probabilities(logits_N: np.ndarray) -> np.ndarray:
    """float64 probability of a positive review."""
    positive: np.ndarray = 1 / (1 + np.exp(-np.clip(logits_N.astype(np.float64), -700, 700)))
    return positive
