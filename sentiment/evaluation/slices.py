"""Where a model is right more or less often: by a review's length, by what was cut, by unknown words."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentiment.data.batches import AnyReviews
from sentiment.data.ids import UNKNOWN_ID
from sentiment.evaluation.metrics import wilson_interval

PARTS = 5


@dataclass(frozen=True)
class Slice:
    """The accuracy over some of a split's reviews."""

    name: str
    """Which reviews, such as `101 to 180`."""
    reviews: int
    accuracy: float
    low: float
    """Lower end of the accuracy's 95% interval (Wilson)."""
    high: float


@dataclass(frozen=True)
class Slicing:
    """All reviews of a split, divided in one way; each review is in one slice."""

    by: str
    slices: list[Slice]


def slice_accuracy(reviews: AnyReviews, right_N: np.ndarray) -> list[Slicing]:
    """Break the accuracy down in every way; `right_N` (bool) says which reviews the model got right.

    Lengths and shares are cut into fifths of the reviews, fewer where many reviews have the same.
    """
    was_cut_N = reviews.whole_lengths_N > reviews.lengths_N
    unknown_N = np.array([(reviews[index] == UNKNOWN_ID).mean() for index in range(len(reviews))])
    return [
        Slicing("tokens", _by_value(reviews.whole_lengths_N, right_N, lambda length: f"{length:,.0f}")),
        Slicing("unknown words", _by_value(unknown_N, right_N, lambda share: f"{share:.1%}")),
        Slicing(
            "read",
            [
                _slice(name, right_N[chosen_N])
                for name, chosen_N in (("whole", ~was_cut_N), ("cut", was_cut_N))
                if chosen_N.any()
            ],
        ),
    ]


def _by_value(values_N: np.ndarray, right_N: np.ndarray, show: Callable[[float], str]) -> list[Slice]:
    """Slices of about equally many reviews, from the lowest values to the highest."""
    quantiles = np.arange(1, PARTS + 1) / PARTS
    edges = np.unique(np.quantile(values_N, quantiles, method="higher"))
    part_N = np.searchsorted(edges, values_N)  # a value at an edge belongs below it
    slices = []
    for part in range(len(edges)):
        own = values_N[part_N == part]
        ends = dict.fromkeys((show(own.min()), show(own.max())))
        slices.append(_slice(" to ".join(ends), right_N[part_N == part]))
    return slices


def _slice(name: str, right_M: np.ndarray) -> Slice:
    low, high = wilson_interval(int(right_M.sum()), len(right_M))
    return Slice(name, len(right_M), float(right_M.mean()), low, high)
