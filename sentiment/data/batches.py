"""Batches of reviews of similar length, in an order that follows from (seed, epoch) alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchtext.data import BucketIterator, Dataset, RawField

from sentiment.config import BatchSettings, TextSettings
from sentiment.data.ids import PADDING_ID
from sentiment.data.tokens import Tokens
from sentiment.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Batch:
    """Padded reviews, ready for the network."""

    tokens_BT: Tensor
    """int64, 0 at padding; (B, T, C) where tokens are seen through C channels."""
    lengths_B: Tensor
    """int64, at least 1."""

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(self.tokens_BT.to(device), self.lengths_B.to(device))


def cut(ids_T: np.ndarray, settings: TextSettings) -> np.ndarray:
    """Keep the first `head` and last `tail` tokens of a longer review: the verdict may stand at its end."""
    if settings.head + settings.tail == 0 or len(ids_T) <= settings.head + settings.tail:
        return ids_T
    return np.concatenate([ids_T[: settings.head], ids_T[len(ids_T) - settings.tail :]])


def cut_lengths(lengths_N: np.ndarray, settings: TextSettings) -> np.ndarray:
    """The lengths that `cut` leaves."""
    limit = settings.head + settings.tail
    return lengths_N if limit == 0 else np.minimum(lengths_N, limit)


def collate(reviews: Sequence[np.ndarray]) -> Batch:
    """Pad id arrays at their end to the longest; the one way into the network for train, eval and predict."""
    lengths_B = torch.tensor([len(ids) for ids in reviews])
    channels = reviews[0].shape[1:]
    tokens_BT = torch.full((len(reviews), int(lengths_B.max()), *channels), PADDING_ID)
    for row, ids in enumerate(reviews):
        tokens_BT[row, : len(ids)] = torch.from_numpy(ids)
    return Batch(tokens_BT, lengths_B)


class EncodedReviews:
    """Tokenized reviews as vocabulary ids, cut; looked up when asked for, so the tokens stay on disk."""

    def __init__(
        self,
        tokens: Tokens,
        vocabulary: Vocabulary,
        settings: TextSettings,
        positions_N: np.ndarray | None = None,
    ) -> None:
        """Take the texts at `positions_N` (all by default)."""
        self._tokens = tokens
        self._id_of_form = vocabulary.ids(tokens.forms)
        self._settings = settings
        self._positions_N = np.arange(len(tokens)) if positions_N is None else positions_N
        self.whole_lengths_N = tokens.lengths_N[self._positions_N]
        self.lengths_N = cut_lengths(self.whole_lengths_N, settings)

    def __len__(self) -> int:
        return len(self._positions_N)

    def __getitem__(self, index: int) -> np.ndarray:
        ids_T: np.ndarray = self._id_of_form[cut(self._tokens[self._positions_N[index]], self._settings)]
        return ids_T

    def batch(self, indices: Sequence[int]) -> Batch:
        """Collate the reviews at `indices`."""
        return collate([self[index] for index in indices])


class JoinedReviews:
    """Two sets of encoded reviews as one: those of the first, then those of the second."""

    def __init__(self, first: "AnyReviews", second: "AnyReviews") -> None:
        self._first, self._second = first, second
        self.whole_lengths_N: np.ndarray = np.concatenate([first.whole_lengths_N, second.whole_lengths_N])
        self.lengths_N: np.ndarray = np.concatenate([first.lengths_N, second.lengths_N])

    def __len__(self) -> int:
        return len(self.lengths_N)

    def __getitem__(self, index: int) -> np.ndarray:
        beyond = index - len(self._first)
        return self._first[index] if beyond < 0 else self._second[beyond]

    def batch(self, indices: Sequence[int]) -> Batch:
        """Collate the reviews at `indices`."""
        return collate([self[index] for index in indices])


AnyReviews = EncodedReviews | JoinedReviews


class LabelledReviews(NamedTuple):
    """Encoded reviews with their labels."""

    reviews: AnyReviews
    labels_N: np.ndarray
    """int8: 1 positive, 0 negative, -1 unknown; float64 where a model gave probabilities of positive."""

    def joined(self, other: "LabelledReviews") -> "LabelledReviews":
        """These, then the others."""
        labels_N = np.concatenate([self.labels_N, other.labels_N])
        return LabelledReviews(JoinedReviews(self.reviews, other.reviews), labels_N)


@dataclass(frozen=True, slots=True)
class _Example:
    """What torchtext sees of a review."""

    index: int
    length: int


def shuffled_batches(
    lengths_N: np.ndarray, settings: BatchSettings, seed: int, epoch: int
) -> list[list[int]]:
    """Indices batch by batch for one epoch; each batch is within the settings' limits (or is one review).

    torchtext's pools give reviews of similar length a shared batch and keep chance between the pools.
    """
    iterator = _bucket_iterator(lengths_N, settings, train=True)
    iterator.random_shuffler.random_state = random.Random(f"{seed} {epoch}").getstate()
    return _indices(iterator)


def sorted_batches(lengths_N: np.ndarray, settings: BatchSettings) -> list[list[int]]:
    """Indices batch by batch from the shortest review to the longest, for scoring."""
    return _indices(_bucket_iterator(lengths_N, settings, train=False))


def _indices(iterator: BucketIterator) -> list[list[int]]:
    # torchtext yields an empty batch before a review that is larger than the budget.
    return [batch.index for batch in iterator if batch.index]


def _bucket_iterator(lengths_N: np.ndarray, settings: BatchSettings, train: bool) -> BucketIterator:
    examples = [_Example(index, length) for index, length in enumerate(lengths_N.tolist())]
    dataset = Dataset(examples, {"index": RawField()})
    return BucketIterator(
        dataset,
        batch_size=settings.tokens * (settings.reviews or 1),
        batch_size_fn=partial(_padded_size, settings),
        sort_key=lambda example: example.length,
        train=train,
        # torchtext's default leaves the reviews of a pool unsorted: 3.6 times the work on IMDB.
        sort_within_batch=True,
    )


def _padded_size(settings: BatchSettings, new: Any, count: int, before: int) -> int:
    """Padded size of a batch after its `count`-th review, from its size before that.

    A token counts for `settings.reviews` (1 without that limit), and a review for `settings.tokens` at the
    least, so that a batch is full, exactly, with so many tokens or so many reviews.
    """
    longest_before = before // (count - 1) if count > 1 else 0
    if not settings.reviews:
        return int(count * max(new.length, longest_before))
    return int(count * max(settings.tokens, new.length * settings.reviews, longest_before))
