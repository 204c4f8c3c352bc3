"""Hold out a validation split that says something about films the model has never seen."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from sentiment.config import DataSettings
from sentiment.data.reviews import Reviews
from sentiment.errors import DataError

BLOCK = 250  # neighbours in one block: in IMDB a film's reviews of one class stand together


@dataclass(frozen=True)
class Holdout:
    """Which reviews of train are trained on and which are validated on."""

    rule: str
    train_N: np.ndarray
    """int64 positions in the source's train split, ascending."""
    validation_N: np.ndarray
    shared_groups: int | None
    """Groups with reviews on both sides; None where the source has no groups."""


def hold_out(reviews: Reviews, settings: DataSettings, seed: int) -> Holdout:
    """Cut validation from train: seeded, balanced as the groups allow, copies of a review on one side.

    Raises DataError if the rule is impossible or leaves one side without a class.
    """
    rule = settings.validation
    require_both_classes(reviews.labels_N)
    if rule == "none":
        return Holdout(rule, np.arange(len(reviews)), np.arange(0), None)
    if rule == "auto":
        rule = "blocks" if reviews.groups is None else "group"
    if rule == "own":
        raise DataError("the source has no validation split; set data.validation to auto")
    if rule == "group" and reviews.groups is None:
        raise DataError(
            f"the source has no column {settings.group_column}; "
            "set data.group_column, or data.validation=blocks"
        )
    keys: Iterable[Hashable] = range(len(reviews))
    if rule == "group":
        keys = reviews.groups or ()
    elif rule == "blocks":
        # Blocks of at most a tenth of the share, so that each class of small data fills its half of it.
        size = max(1, min(BLOCK, int(len(reviews) * settings.validation_share / 10)))
        keys = (position // size for position in range(len(reviews)))
    clusters = _join_copies(list(keys), reviews.texts)
    chosen = _choose(clusters, reviews.labels_N, settings.validation_share, np.random.default_rng(seed))
    held = np.zeros(len(reviews), dtype=bool)
    held[chosen] = True
    for name, side in (("train", ~held), ("validation", held)):
        require_both_classes(
            reviews.labels_N[side], name, ", or another data.validation, data.validation_share"
        )
    return Holdout(rule, np.flatnonzero(~held), np.flatnonzero(held), shared_groups(reviews, held))


def require_both_classes(labels_N: np.ndarray, split: str = "train", way_out: str = "") -> None:
    """Raise DataError, which names the split and ends with `way_out`, if the labels are all the same."""
    if len(np.unique(labels_N)) < 2:
        raise DataError(f"the {split} split has reviews of one class only; both are needed{way_out}")


def shared_groups(reviews: Reviews, held: np.ndarray) -> int | None:
    """Count the groups with reviews on both sides of a boolean mask."""
    if reviews.groups is None:
        return None
    groups = np.asarray(reviews.groups, dtype=object)
    return len(set(groups[held]) & set(groups[~held]))


def _join_copies(keys: Sequence[Hashable], texts: Sequence[str]) -> list[list[int]]:
    """Clusters of positions that share a key or, through copies of a text, are tied to one that does."""
    parent: dict[Hashable, Hashable] = {key: key for key in keys}

    def root(key: Hashable) -> Hashable:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    key_of_text: dict[bytes, Hashable] = {}  # by a fingerprint: the texts stay on the disk
    for key, text in zip(keys, texts, strict=True):
        fingerprint = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        parent[root(key)] = root(key_of_text.setdefault(fingerprint, key))
    clusters = defaultdict(list)
    for position, key in enumerate(keys):
        clusters[root(key)].append(position)
    return list(clusters.values())


def _choose(
    clusters: list[list[int]], labels_N: np.ndarray, share: float, random: np.random.Generator
) -> list[int]:
    """Take clusters in random order as long as neither class exceeds its share."""
    room = np.ceil(np.bincount(labels_N, minlength=2) * share)
    chosen: list[int] = []
    for index in random.permutation(len(clusters)):
        cluster = clusters[index]
        counts = np.bincount(labels_N[cluster], minlength=2)
        if (counts <= room).all():
            room -= counts
            chosen += cluster
    return chosen
