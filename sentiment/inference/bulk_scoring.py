"""Score many reviews on a CPU: each core has batches of its own, and looks words up in a table.

The steps of an LSTM are too small for two cores to share (docs/lab-notebook.md).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from sentiment.data.batches import AnyReviews, Batch
from sentiment.inference.scoring import logit_axes
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble
from sentiment.models.word_gates import WordGates
from sentiment.system.device import Machine
from sentiment.system.threads import usable_threads

FEWEST_REVIEWS = 32  # fewer are scored sooner by torch's own LSTM, which needs no table
ROWS = 128  # with so many a product of states is as fast as one of large matrices
MOST_TABLE_BYTES = 2**28


def suits_bulk(model: nn.Module, reviews: AnyReviews, machine: Machine) -> bool:
    """Whether `score_in_bulk` can score these reviews, and is faster than `score`."""
    if len(reviews) < FEWEST_REVIEWS or machine.device.type != "cpu" or machine.processes.count > 1:
        return False
    classifiers = classifiers_of(model)
    if not classifiers or not all(map(WordGates.fits, classifiers)):
        return False
    tokens = int(reviews.lengths_N.sum())
    return sum(WordGates.bytes_needed(one, tokens) for one in classifiers) <= MOST_TABLE_BYTES


def score_in_bulk(model: nn.Module, reviews: AnyReviews, machine: Machine) -> np.ndarray:
    """Return what `score` does, to 1e-5 in float32."""
    words_W, place_V = _number_words(reviews)
    with machine.using_threads(), torch.inference_mode():
        tables = [WordGates(one, words_W, machine.precision) for one in classifiers_of(model)]
    logits = np.zeros((len(reviews), *logit_axes(model)), dtype=np.float32)
    one_core = machine.on_one_core()

    def score_batch(indices: Sequence[int]) -> None:
        batch = reviews.batch(indices)
        with one_core.using_threads(), torch.inference_mode():
            places_TB = place_V[batch.tokens_BT.T.contiguous()]
            members = [table.logits(places_TB, batch.lengths_B) for table in tables]
            logits[indices] = _mix(model, members, batch).numpy()

    threads = usable_threads(machine.threads)
    order_N = np.argsort(-reviews.lengths_N, kind="stable")  # the last batches are the smallest
    rows = min(ROWS, max(FEWEST_REVIEWS, -(-len(reviews) // threads)))
    batches = [order_N[start : start + rows].tolist() for start in range(0, len(reviews), rows)]
    _run_on_cores(score_batch, batches, threads)
    return logits


def classifiers_of(model: nn.Module) -> list[LSTMClassifier]:
    """Return the classifiers whose logits a model averages."""
    if isinstance(model, Ensemble):
        return model.classifiers
    return [model] if isinstance(model, LSTMClassifier) else []


def _mix(model: nn.Module, members: Sequence[Tensor], batch: Batch) -> Tensor:
    """Return a model's logits from those of its classifiers."""
    if isinstance(model, Ensemble):
        return model.mix(members, batch.tokens_BT, batch.lengths_B)
    return members[0]


def _number_words(reviews: AnyReviews) -> tuple[Tensor, Tensor]:
    """Return the ids of the words that occur, and the place of each id among them."""
    used_V = np.zeros(1 + max(int(reviews[index].max()) for index in range(len(reviews))), dtype=bool)
    for index in range(len(reviews)):
        used_V[reviews[index]] = True
    return torch.from_numpy(np.flatnonzero(used_V)), torch.from_numpy(np.cumsum(used_V) - 1).clamp(min=0)


def _run_on_cores(
    work: Callable[[Sequence[int]], None], parts: Iterable[Sequence[int]], threads: int
) -> None:
    """Do the work of each part, in as many threads."""
    if threads < 2:
        for part in parts:
            work(part)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="scoring")
    try:
        for _ in pool.map(work, parts):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # at an error or a signal the other parts are left out
