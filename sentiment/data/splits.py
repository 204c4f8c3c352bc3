"""Hold out a validation split of whole groups: the model has not seen these films."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from sentiment.config import DataSettings
from sentiment.data.labels import list_names
from sentiment.data.reviews import Reviews
from sentiment.data.text import shorten
from sentiment.errors import DataError

BLOCK_REVIEWS = 250  # neighbours in one block: in IMDB a film's reviews of one class are next to each other
FAR_FEWER = 0.8  # a warning is due below this share of what was asked ...
FEW_REVIEWS = 10  # ... if at least so many are missing: a few reviews are only a matter of rounding
KEPT_TOGETHER = {"group": "groups and copies", "blocks": "blocks and copies", "random": "copies of a review"}


@dataclass(frozen=True)
class Holdout:
    """Which reviews of train are trained on and which are validated on."""

    rule: str
    """own, group, blocks, random or none."""
    train_N: np.ndarray
    """int64 positions in the source's train split, ascending."""
    validation_N: np.ndarray
    """int64 positions in the same split, or in the source's own validation split."""
    shared_groups: int | None
    """Groups with reviews on both sides; None if the source has no groups."""
    asked: int | None = None
    """Reviews that `data.validation_share` asks for; None if validation is not cut from train."""
    notes: Sequence[str] = ()
    """Sentences for the user: which training reviews are left out."""

    @property
    def warning(self) -> str | None:
        """A sentence for the user if far fewer reviews are held out than asked for, else None."""
        held = len(self.validation_N)
        if self.asked is None or held >= self.asked * FAR_FEWER or self.asked - held < FEW_REVIEWS:
            return None
        return (
            f"only {held:,} reviews are held out for validation, not the {self.asked:,} that "
            f"data.validation_share asks for, because {KEPT_TOGETHER[self.rule]} stay together"
        )


def hold_out(reviews: Reviews, settings: DataSettings, seed: int) -> Holdout:
    """Cut validation from train: seeded, balanced as the groups allow, copies of a review on one side.

    A class of few reviews may have none that can be held out: a note says so. Raises DataError if the rule is
    impossible, leaves train without a class, or leaves validation with one class only.
    """
    require_classes(reviews, remedy="; name the classes to use with --classes")
    rule = _choose_rule(reviews, settings)
    if rule == "none":
        return Holdout(rule, np.arange(len(reviews)), np.arange(0), shared_groups=None)
    clusters = _join_copies(keys_of_reviews(reviews, rule, settings.validation_share), reviews.texts)
    share = settings.validation_share
    counts_C = np.bincount(reviews.labels_N, minlength=len(reviews.class_names))
    room_C = np.minimum(np.ceil(counts_C * share), counts_C - 1)  # train keeps one of each class
    chosen = choose_clusters(clusters, reviews.labels_N, room_C, np.random.default_rng(seed))
    if not chosen:
        raise DataError(_explain_empty(clusters, reviews, rule, share))
    held = np.zeros(len(reviews), dtype=bool)
    held[chosen] = True
    remedy = (
        f" (data.validation={rule}); try another rule, such as --set data.validation=random, or another "
        "size, such as --set data.validation_share=0.3"
    )
    require_classes(reviews, ~held, "train", remedy)
    require_two_classes(reviews.labels_N[held], "validation", remedy)
    missing = missing_classes(reviews, held)
    return Holdout(
        rule=rule,
        train_N=np.flatnonzero(~held),
        validation_N=np.flatnonzero(held),
        shared_groups=count_shared_groups(reviews, held),
        asked=round(len(reviews) * share),
        notes=[f"no review of {', '.join(missing)} is held out for validation"] if missing else [],
    )


def require_classes(
    reviews: Reviews, chosen: np.ndarray | None = None, split: str = "train", remedy: str = ""
) -> None:
    """Raise DataError, which names the split and ends with `remedy`, if a class has no review.

    `chosen` are the positions, or a boolean mask, of the reviews of the split; all of them by default.
    """
    chosen = np.arange(len(reviews)) if chosen is None else chosen
    require_two_classes(reviews.labels_N[chosen], split, remedy)
    if missing := missing_classes(reviews, chosen):
        raise DataError(f"the {split} split has no review of the class {shorten(', '.join(missing))}{remedy}")


def require_two_classes(labels_N: np.ndarray, split: str, remedy: str) -> None:
    """Raise DataError, which names the split and ends with `remedy`, if all labels are the same."""
    if len(np.unique(labels_N)) < 2:
        raise DataError(f"the {split} split has reviews of one class only, but needs two or more{remedy}")


def missing_classes(reviews: Reviews, chosen: np.ndarray) -> list[str]:
    """Return the names of the classes that no chosen review has."""
    counts_C = np.bincount(reviews.labels_N[chosen], minlength=len(reviews.class_names))
    return [name for name, count in zip(reviews.class_names, counts_C, strict=True) if count == 0]


def count_shared_groups(reviews: Reviews, held: np.ndarray) -> int | None:
    """Count the groups with reviews on both sides of a boolean mask."""
    if reviews.groups is None:
        return None
    groups = np.asarray(reviews.groups, dtype=object)
    return len(set(groups[held]) & set(groups[~held]))


def _choose_rule(reviews: Reviews, settings: DataSettings) -> str:
    """Return the rule of the settings, or what `auto` stands for; raises DataError if it is impossible."""
    rule = settings.validation
    if rule == "own":
        raise DataError(
            "the source has no validation split; cut one from train with --set data.validation=auto"
        )
    if rule == "group" and reviews.groups is None:
        raise DataError(
            f"the source has no column {settings.group_column}; name the column of the groups with "
            "--set data.group_column=NAME, or use --set data.validation=blocks"
        )
    if rule == "auto":
        return "blocks" if reviews.groups is None else "group"
    return rule


def keys_of_reviews(reviews: Reviews, rule: str, share: float) -> list[Hashable]:
    """Return a key for each review; reviews with the same key stay on one side."""
    keys: Iterable[Hashable] = range(len(reviews))
    if rule == "group":
        keys = reviews.groups or ()
    elif rule == "blocks":
        # Blocks of at most a tenth of the share: then each class of small data can fill its half of it.
        size = max(1, min(BLOCK_REVIEWS, int(len(reviews) * share / 10)))
        keys = (position // size for position in range(len(reviews)))
    return list(keys)


def _join_copies(keys: Sequence[Hashable], texts: Sequence[str]) -> list[list[int]]:
    """Return clusters of positions: those with the same key, joined if they have copies of one text."""
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


def choose_clusters(
    clusters: Sequence[list[int]], labels_N: np.ndarray, room_C: np.ndarray, random: np.random.Generator
) -> list[int]:
    """Take clusters in random order as long as no class exceeds its room."""
    chosen: list[int] = []
    for index in random.permutation(len(clusters)):
        cluster = clusters[index]
        counts = np.bincount(labels_N[cluster], minlength=len(room_C))
        if (counts <= room_C).all():
            room_C = room_C - counts
            chosen += cluster
    return chosen


def _explain_empty(clusters: list[list[int]], reviews: Reviews, rule: str, share: float) -> str:
    """Return the message for reviews in which every cluster is too large to be held out."""
    labels_N, classes = reviews.labels_N, len(reviews.class_names)
    of_class = np.bincount(labels_N, minlength=classes)
    shares = [max(np.bincount(labels_N[cluster], minlength=classes) / of_class) for cluster in clusters]
    enough = math.ceil(min(shares) * 100) / 100  # the smallest share that one cluster fits into
    larger = [f"--set data.validation_share={enough}"] if enough < 1 else []
    remedies = larger if rule == "random" else ["--set data.validation=random", *larger]
    wanted = zip(np.ceil(of_class * share).astype(int), reviews.class_names, strict=True)
    sizes = list_names([f"{count:,} {name}" for count, name in wanted])
    remedy = f"use {' or '.join(remedies)}" if remedies else "remove copies"
    return (
        f"nothing can be held out: {KEPT_TOGETHER[rule]} stay together, and even the smallest set of them is "
        f"larger than data.validation_share={share:g} ({sizes} reviews); {remedy}"
    )
