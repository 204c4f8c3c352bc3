"""Score reviews with a network: the one way from encoded reviews to logits, in training and afterwards."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sentiment.config import BatchSettings
from sentiment.data.batches import AnyReviews, sorted_batches
from sentiment.device import Machine

BATCHES = BatchSettings(tokens=16_384)  # enough to keep two cores busy, little enough to stay in cache


@dataclass(frozen=True)
class Scored:
    """Some more of the reviews are scored."""

    purpose: str
    """What they are scored for, such as `validating`."""
    reviews: int
    of: int


def score_batches(
    model: nn.Module, reviews: AnyReviews, machine: Machine
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield (indices, logits_B) batch by batch, shortest reviews first; float32.

    Of several processes that train together each scores its share of the batches.
    """
    model.eval()
    for indices in machine.processes.share(sorted_batches(reviews.lengths_N, BATCHES)):
        batch = reviews.batch(indices).to(machine.device)
        with torch.inference_mode(), machine.autocast():
            logits_B = model(batch.tokens_BT, batch.lengths_B)
        yield indices, logits_B.cpu().numpy()


def score_in_turn(
    model: nn.Module, reviews: AnyReviews, machine: Machine, purpose: str
) -> Generator[Scored, None, np.ndarray]:
    """As `score`, but saying so after each batch; several processes share the work, and each has it all."""
    logits_N = np.zeros(len(reviews), dtype=np.float32)
    for indices, logits_B in score_batches(model, reviews, machine):
        logits_N[indices] = logits_B
        yield Scored(purpose, len(indices), len(reviews))
    machine.processes.sum(torch.from_numpy(logits_N))
    return logits_N


def score(model: nn.Module, reviews: AnyReviews, machine: Machine) -> np.ndarray:
    """logits_N (float32) in the reviews' own order."""
    logits_N = np.empty(len(reviews), dtype=np.float32)
    for indices, logits_B in score_batches(model, reviews, machine):
        logits_N[indices] = logits_B
    return logits_N


def probabilities(logits_N: np.ndarray) -> np.ndarray:
    """float64 probability of a positive review."""
    positive: np.ndarray = 1 / (1 + np.exp(-np.clip(logits_N.astype(np.float64), -700, 700)))
    return positive
