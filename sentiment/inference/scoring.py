"""Score reviews with a network: the one way from encoded reviews to logits, in training and afterwards."""

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sentiment.config import BatchSettings
from sentiment.data.batches import AnyReviews, sorted_batches
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
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
    logits = np.zeros((len(reviews), *logit_axes(model)), dtype=np.float32)
    for indices in batches:
        batch = reviews.batch(indices).to(machine.device)
        with machine.using_threads(), torch.inference_mode(), machine.autocast():
            found = model(batch.tokens_BT, batch.lengths_B)
        logits[indices] = found.cpu().numpy()
        yield Scored(purpose, len(indices), own)
    machine.processes.sum(torch.from_numpy(logits))
    return logits


def score(model: nn.Module, reviews: AnyReviews, machine: Machine) -> np.ndarray:
    """logits_N (float32; logits_NK of K > 2 classes) in the reviews' own order.

    Processes that train together share the work.
    """
    scoring = score_in_turn(model, reviews, machine, "scoring")
    while True:
        try:
            next(scoring)
        except StopIteration as end:
            logits: np.ndarray = end.value
            return logits


def probabilities(logits: np.ndarray) -> np.ndarray:
    """float64 probability of the second of two classes, from logits_N; of each class, from logits_NK."""
    logits = logits.astype(np.float64)
    if logits.ndim < 2:
        second_N: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
        return second_N
    weights_NK = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities_NK: np.ndarray = weights_NK / weights_NK.sum(axis=1, keepdims=True)
    return probabilities_NK


def class_probabilities(logits: np.ndarray) -> np.ndarray:
    """float64 (N, K): the probability of each class, also of two."""
    found = probabilities(logits)
    return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found


def likeliest_classes(logits: np.ndarray) -> np.ndarray:
    """int64 (N,): the number of the class with the highest probability; the first of two equal ones."""
    likeliest_N: np.ndarray = (logits > 0).astype(np.int64) if logits.ndim == 1 else logits.argmax(axis=1)
    return likeliest_N


def logit(probability: float) -> float:
    """Return the logit of a probability, infinite at 0 and 1."""
    if probability in (0, 1):
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1 - probability))


def logit_axes(model: nn.Module) -> tuple[int, ...]:
    """Return the axes of a model's logits after that of the reviews: none for two classes."""
    classes = model.classes if isinstance(model, LSTMClassifier | Ensemble) else 2
    return () if classes == 2 else (classes,)
