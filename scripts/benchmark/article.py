"""The article's own training step, in a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import torch

from sentiment.config import Config
from sentiment.data.batches import collate
from sentiment.data.prepare import Prepared

from .ways import PlainClassifier, Way, plain_way

RawBatch = tuple[list[np.ndarray], np.ndarray]
"""Ids of each review, and labels_B. Unlike tensors, they reach another process without shared memory."""


def article_batches(config: Config, prepared: Prepared, rounds: int) -> list[RawBatch]:
    """Return batches in random order, as the article makes them, after a small first one."""
    reviews, labels_N = prepared.train
    order_N = np.random.default_rng(config.seed).permutation(len(reviews))
    size = config.batches.reviews
    chosen = [order_N[:2], *(order_N[start : start + size] for start in range(0, rounds * size, size))]
    return [([reviews[index] for index in indices], labels_N[indices]) for indices in chosen]


def serve_article(
    connection: Connection, config: Config, words: int, batches: list[RawBatch], *, threads: int, flush: bool
) -> None:
    """Make a step of the article each time the other process asks for one."""
    torch.set_flush_denormal(flush)
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    model = PlainClassifier(config.model, words, packed=False)
    tensors = [(collate(reviews), torch.from_numpy(labels_B).float()) for reviews, labels_B in batches]
    step = plain_way(model, torch.optim.Adam(model.parameters()), tensors)
    with suppress(EOFError):  # the other process has closed the connection
        while True:
            connection.recv()
            connection.send(step())


@contextmanager
def article_way(
    config: Config, words: int, batches: list[RawBatch], *, threads: int, flush: bool
) -> Iterator[Way]:
    """Run the article's step in a new process, which shares no setting of torch with this one."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=serve_article,
        args=(theirs, config, words, batches),
        kwargs={"threads": threads, "flush": flush},
        daemon=True,
    )
    process.start()
    theirs.close()

    def step() -> int:
        ours.send(None)
        tokens: int = ours.recv()
        return tokens

    try:
        yield step
    finally:
        ours.close()
        process.join()
