"""The only file that imports torchtext: its vocabulary, its word vectors and its buckets of similar length.

torchtext 0.6.0 is archived. Two of its habits are changed here: it draws a progress bar even if stderr is not
a terminal, and it switches off the check of TLS certificates for the whole process.
"""

import contextlib
import random
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torchtext.vocab
from torchtext.data import BucketIterator, Dataset, RawField
from torchtext.vocab import Vectors as Vectors
from torchtext.vocab import Vocab, pretrained_aliases
from tqdm import tqdm

from sentiment.system.console import bars_are_hidden


def _bar(*arguments: Any, **options: Any) -> "tqdm[Any]":
    return tqdm(*arguments, **{**options, "disable": bars_are_hidden(), "leave": False})


torchtext.vocab.tqdm = _bar  # torchtext calls `tqdm` by this name

VECTOR_NAMES = tuple(pretrained_aliases)
"""Names of word vectors that can be downloaded, such as `glove.6B.100d`."""
PaddedSize = Callable[["SizedReview", int, int], int]
"""Size of a batch after its `count`-th review, from that review, `count`, and the size before it."""


@dataclass(frozen=True, slots=True)
class SizedReview:
    """What torchtext knows of a review."""

    index: int
    length: int


def build_vocab(counts: Counter[str], size: int, min_frequency: int, specials: Sequence[str]) -> Vocab:
    """Return words by id: the special ones, then the `size` most frequent of `counts`."""
    return Vocab(counts, max_size=size, min_freq=min_frequency, specials=list(specials))


def read_vectors(path: Path, scratch: Path) -> Vectors:
    """Read a text file of word vectors; raises OSError, RuntimeError, ValueError or TypeError.

    torchtext leaves a pickle of what it read in `scratch`, and would open it the next time. Pass a folder
    that is removed afterwards.
    """
    with _checked_certificates():
        return Vectors(str(path.resolve()), cache=str(scratch))


def download_vectors(name: str, folder: Path) -> Vectors:
    """Download one of `VECTOR_NAMES` into a folder, or read it there; raises OSError or RuntimeError."""
    with _checked_certificates():
        try:
            return pretrained_aliases[name](cache=str(folder))
        finally:
            # torchtext would take half an archive for a whole one next time.
            for archive in folder.glob("*.zip"):
                archive.unlink()


def bucket_reviews(
    lengths: Sequence[int], limit: int, padded_size: PaddedSize, shuffle_seed: str | None = None
) -> list[list[int]]:
    """Return the indices of reviews batch by batch, each with a padded size of at most `limit` if it can be.

    With a seed the batches come in a random order that follows from it, and reviews of similar length share a
    batch; without one they go from the shortest review to the longest.
    """
    examples = [SizedReview(index, length) for index, length in enumerate(lengths)]
    iterator = BucketIterator(
        Dataset(examples, {"index": RawField()}),
        batch_size=limit,
        batch_size_fn=padded_size,
        sort_key=lambda example: example.length,
        train=shuffle_seed is not None,
        # torchtext's default leaves the reviews of a pool unsorted: 3.6 times the work on IMDB.
        sort_within_batch=True,
    )
    if shuffle_seed is not None:
        iterator.random_shuffler.random_state = random.Random(shuffle_seed).getstate()
    # torchtext yields an empty batch before a review that is larger than the limit.
    return [batch.index for batch in iterator if batch.index]


@contextlib.contextmanager
def _checked_certificates() -> Iterator[None]:
    """Keep the check of TLS certificates on.

    torchtext replaces Python's default context by `ssl._create_unverified_context`. While it runs, that name
    stands for the context that checks; afterwards both names are as before.
    """
    default, unverified = ssl._create_default_https_context, ssl._create_unverified_context
    ssl._create_unverified_context = ssl.create_default_context  # type: ignore[assignment]
    try:
        yield
    finally:
        ssl._create_default_https_context, ssl._create_unverified_context = default, unverified
