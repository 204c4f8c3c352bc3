"""Slices: the accuracy by a review's length, by its share of unknown words, and by whether it was cut."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentiment.data.batches import AnyReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.evaluation.metrics import wilson_interval

SLICES_BY_VALUE = 5


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The accuracy over some reviews of a split."""

    name: str
    """Which reviews, such as `101 to 180`."""
    reviews: int
    accuracy: float
    low: float
    """Lower end of the accuracy's 95% interval (Wilson)."""
    high: float


@dataclass(frozen=True)
class Slicing:
    """One division of all reviews of a split; each review is in one slice."""

    by: str
    slices: list[Slice]


def slice_accuracy(reviews: AnyReviews, right_N: np.ndarray) -> list[Slicing]:
    """Compute the accuracy by length, unknown words and cut; `right_N` (bool) marks the right predictions.

    Lengths and shares give five slices of about equally many reviews, fewer if many values are equal.
    """
    was_cut_N = reviews.whole_lengths_N > reviews.lengths_N
    unknown_N = np.array([(reviews[index] == UNKNOWN_ID).mean() for index in range(len(reviews))])
    return [
        Slicing("tokens", _slice_by_value(reviews.whole_lengths_N, right_N, lambda length: f"{length:,.0f}")),
        Slicing("unknown words", _slice_by_value(unknown_N, right_N, lambda share: f"{share:.1%}")),
        Slicing(
            "read",
            [
                _make_slice(name, right_N[chosen_N])
                for name, chosen_N in (("whole", ~was_cut_N), ("cut", was_cut_N))
                if chosen_N.any()
            ],
        ),
    ]


def _slice_by_value(values_N: np.ndarray, right_N: np.ndarray, show: Callable[[float], str]) -> list[Slice]:
    """Make slices of about equally many reviews, from the lowest values to the highest."""
    quantiles = np.arange(1, SLICES_BY_VALUE + 1) / SLICES_BY_VALUE
    edges = np.unique(np.quantile(values_N, quantiles, method="higher"))
    part_N = np.searchsorted(edges, values_N)  # a value at an edge goes into the lower slice
    slices = []
    for part in range(len(edges)):
        own = values_N[part_N == part]
        ends = dict.fromkeys((show(own.min()), show(own.max())))
        slices.append(_make_slice(" to ".join(ends), right_N[part_N == part]))
    return slices


def _make_slice(name: str, right_M: np.ndarray) -> Slice:
    low, high = wilson_interval(int(right_M.sum()), len(right_M))
    return Slice(name=name, reviews=len(right_M), accuracy=float(right_M.mean()), low=low, high=high)
