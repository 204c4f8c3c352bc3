"""Encoded reviews, and batches of reviews of similar length."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sentiment.config import BatchSettings, TextSettings
from sentiment.data.ids import PADDING_ID
from sentiment.data.tokens import Tokens
from sentiment.data.torchtext_adapter import SizedReview, bucket_reviews
from sentiment.data.vocabulary import Vocabulary
from sentiment.data.words import WordCount, count_words, token_kinds

NO_FORMS = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Batch:
    """Padded reviews, ready for the network."""

    tokens_BT: Tensor
    """int64, 0 at padding; (B, T, C) if tokens have C channels."""
    lengths_B: Tensor
    """int64, at least 1."""

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(self.tokens_BT.to(device), self.lengths_B.to(device))


def cut(ids_T: np.ndarray, settings: TextSettings) -> np.ndarray:
    """Keep the first `head` and last `tail` tokens of a longer review: the verdict is often at its end."""
    if settings.head + settings.tail == 0 or len(ids_T) <= settings.head + settings.tail:
        return ids_T
    return np.concatenate([ids_T[: settings.head], ids_T[len(ids_T) - settings.tail :]])


def cut_lengths(lengths_N: np.ndarray, settings: TextSettings) -> np.ndarray:
    """Return the lengths that `cut` leaves."""
    limit = settings.head + settings.tail
    return lengths_N if limit == 0 else np.minimum(lengths_N, limit)


def collate(reviews: Sequence[np.ndarray]) -> Batch:
    """Pad id arrays at their end to the longest; train, eval and predict all make their batches here."""
    lengths_B = torch.tensor([len(ids) for ids in reviews])
    channels = reviews[0].shape[1:]
    tokens_BT = torch.full((len(reviews), int(lengths_B.max()), *channels), PADDING_ID)
    for row, ids in enumerate(reviews):
        tokens_BT[row, : len(ids)] = torch.from_numpy(ids)
    return Batch(tokens_BT, lengths_B)


class EncodedReviews:
    """Tokenized reviews as vocabulary ids, cut. Ids are looked up when asked for: tokens stay on the disk."""

    def __init__(
        self,
        tokens: Tokens,
        vocabulary: Vocabulary,
        settings: TextSettings,
        positions_N: np.ndarray | None = None,
    ) -> None:
        """Take the texts at `positions_N` (all by default)."""
        self._tokens = tokens
        self._vocabulary = vocabulary
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

    def count_words(self, indices: Sequence[int]) -> list[WordCount]:
        """Count the different words of some reviews that the model reads and knows."""
        forms = [cut(self._tokens[position], self._settings) for position in self._positions_N[indices]]
        forms_X = np.concatenate([NO_FORMS, *forms])
        ids_X = self._id_of_form[forms_X]
        if ids_X.ndim > 1:
            ids_X = ids_X[:, self._vocabulary.word_channel]
        written_ids_X, kinds_X = self._word_id_of_form[forms_X], self._kind_of_form[forms_X]
        return count_words(forms_X, ids_X, written_ids_X, kinds_X, lengths_N=self.lengths_N[indices])

    @cached_property
    def _word_id_of_form(self) -> np.ndarray:
        return self._vocabulary.word_ids(self._tokens.forms)

    @cached_property
    def _kind_of_form(self) -> np.ndarray:
        return token_kinds(self._tokens.forms)

    def batch(self, indices: Sequence[int]) -> Batch:
        """Collate the reviews at `indices`."""
        return collate([self[index] for index in indices])


class JoinedReviews:
    """Two sets of encoded reviews as one: first those of the first set."""

    def __init__(self, first: "AnyReviews", second: "AnyReviews") -> None:
        self._first, self._second = first, second
        self.whole_lengths_N: np.ndarray = np.concatenate([first.whole_lengths_N, second.whole_lengths_N])
        self.lengths_N: np.ndarray = np.concatenate([first.lengths_N, second.lengths_N])

    def __len__(self) -> int:
        return len(self.lengths_N)

    def __getitem__(self, index: int) -> np.ndarray:
        beyond = index - len(self._first)
        return self._first[index] if beyond < 0 else self._second[beyond]

    def count_words(self, indices: Sequence[int]) -> list[WordCount]:
        """Count the different words of some reviews that the model reads and knows."""
        return [
            self._first.count_words([index])[0]
            if index < len(self._first)
            else self._second.count_words([index - len(self._first)])[0]
            for index in indices
        ]

    def batch(self, indices: Sequence[int]) -> Batch:
        """Collate the reviews at `indices`."""
        return collate([self[index] for index in indices])


AnyReviews = EncodedReviews | JoinedReviews


class LabelledReviews(NamedTuple):
    """Encoded reviews with their labels."""

    reviews: AnyReviews
    labels_N: np.ndarray
    """int8: the number of each review's class, -1 unknown; or probabilities from a model: float64 (N,) of the
    second of two classes, (N, K) of each class."""

    def joined(self, other: "LabelledReviews") -> "LabelledReviews":
        """Return these reviews, then the others."""
        labels_N = np.concatenate([self.labels_N, other.labels_N])
        return LabelledReviews(JoinedReviews(self.reviews, other.reviews), labels_N)


class TurnedReviews(NamedTuple):
    """Encoded reviews without labels that were turned round."""

    reviews: AnyReviews
    labels_N: np.ndarray
    """float64: the probabilities of the second class that their words tell."""
    originals_N: np.ndarray
    """int64: the place of each original among the unlabelled reviews."""


def shuffled_batches(
    lengths_N: np.ndarray, settings: BatchSettings, seed: int, epoch: int
) -> list[list[int]]:
    """Return the indices of one epoch batch by batch, in an order that follows from (seed, epoch).

    Each batch is within the limits of the settings, or is one review; its reviews are of similar length.
    """
    return _bucket(lengths_N, settings, shuffle_seed=f"{seed} {epoch}")


def sorted_batches(lengths_N: np.ndarray, settings: BatchSettings) -> list[list[int]]:
    """Return the indices batch by batch from the shortest review to the longest, for scoring."""
    return _bucket(lengths_N, settings)


def _bucket(
    lengths_N: np.ndarray, settings: BatchSettings, shuffle_seed: str | None = None
) -> list[list[int]]:
    limit = settings.tokens * (settings.reviews or 1)
    return bucket_reviews(lengths_N.tolist(), limit, partial(_padded_size, settings), shuffle_seed)


def _padded_size(settings: BatchSettings, new: SizedReview, count: int, before: int) -> int:
    """Return the size of a batch after its `count`-th review, from its size before that.

    The size is `count` times the longest review. With a limit on reviews, a token counts `settings.reviews`,
    and a review at least `settings.tokens`: a batch is then full with exactly so many tokens or reviews.
    """
    longest_before = before // (count - 1) if count > 1 else 0
    if not settings.reviews:
        return int(count * max(new.length, longest_before))
    return int(count * max(settings.tokens, new.length * settings.reviews, longest_before))
