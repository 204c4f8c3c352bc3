"""Choose which reviews of a source a training reads: leave some out by position, or take a part of them."""

import csv
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from sentiment.config import DataSettings
from sentiment.data.labels import UNLABELLED
from sentiment.data.reviews import Reviews
from sentiment.data.splits import (
    Holdout,
    choose_clusters,
    keys_of_reviews,
    require_classes,
    require_two_classes,
)
from sentiment.data.text import shorten
from sentiment.errors import DataError
from sentiment.system.folders import expand_home

POSITION_COLUMN = "position"


@dataclass(frozen=True)
class Selection:
    """The splits of a source, as far as a training reads them."""

    splits: Mapping[str, Reviews]
    left_out_N: np.ndarray
    """int64 positions in its train split that are neither trained nor validated on."""
    notes: Sequence[str]
    """Sentences for the user: what is left out."""

    def leave_out(self, holdout: Holdout) -> Holdout:
        """Return the holdout with the notes, without reviews that are left out; others stay on their side.

        Raises DataError if a side is left with too few classes.
        """
        holdout = replace(holdout, notes=[*self.notes, *holdout.notes])
        if len(self.left_out_N) == 0:
            return holdout
        train = self.splits["train"]
        remedy = "; data.exclude leaves too many reviews out"
        train_N, validation_N = np.setdiff1d(holdout.train_N, self.left_out_N), holdout.validation_N
        require_classes(train, train_N, "train", remedy)
        if holdout.rule not in ("own", "none"):
            validation_N = np.setdiff1d(validation_N, self.left_out_N)
            require_two_classes(train.labels_N[validation_N], "validation", remedy)
        return replace(holdout, train_N=train_N, validation_N=validation_N)


def select_reviews(splits: Mapping[str, Reviews], settings: DataSettings, seed: int) -> Selection:
    """Apply `data.exclude` and `data.limit` to the train split, and the limit to unlabelled reviews.

    Raises DataError if the file of positions is wrong, or the limit is too small for one group.
    """
    train = splits["train"]
    left_out_N = excluded_positions(settings, train)
    kept_N = np.setdiff1d(np.arange(len(train)), left_out_N)
    notes = []
    if len(left_out_N):
        notes.append(f"data.exclude leaves out {len(left_out_N):,} of {len(train):,} training reviews")
    if not settings.limit or settings.limit >= len(kept_N):
        return Selection(splits, left_out_N, notes)
    chosen = _choose_balanced(take_reviews(train, kept_N), settings, seed)
    share = len(chosen) / len(kept_N)
    limited = {**splits, "train": take_reviews(train, kept_N[chosen])}
    notes.append(f"data.limit takes {len(chosen):,} of {len(kept_N):,} training reviews ({share:.1%})")
    if UNLABELLED in splits:
        limited[UNLABELLED] = _take_share(splits[UNLABELLED], share, seed)
        count, total = len(limited[UNLABELLED]), len(splits[UNLABELLED])
        notes.append(f"data.limit takes {count:,} of {total:,} unlabelled reviews")
    return Selection(limited, np.arange(0), notes)


def excluded_positions(settings: DataSettings, train: Reviews) -> np.ndarray:
    """Return the positions of the reviews that `data.exclude` lists, ascending; none if the key is empty.

    The file counts the rows of the source, with those that are left out as unusable.
    """
    if not settings.exclude:
        return np.arange(0)
    if train.kept_R is None:
        return _read_excluded_rows(settings, len(train))
    rows_N = _read_excluded_rows(settings, len(train.kept_R))
    positions_R: np.ndarray = np.cumsum(train.kept_R) - 1
    kept_N: np.ndarray = rows_N[train.kept_R[rows_N]]
    return np.take(positions_R, kept_N)


def _read_excluded_rows(settings: DataSettings, count: int) -> np.ndarray:
    """Return the rows that `data.exclude` lists, ascending, each once; the source has `count`.

    The file has one row in each line, counted from 0, or is a csv file with the column `position`. Raises
    DataError that names file and line.
    """
    name = shorten(settings.exclude)
    try:
        with expand_home(settings.exclude).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise DataError(f"cannot read {name}, which data.exclude names: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{name}, which data.exclude names, is not a list of positions") from None
    names = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    column = names.index(POSITION_COLUMN) if POSITION_COLUMN in names else 0
    listed = rows[1:] if POSITION_COLUMN in names else rows
    if not listed:
        raise DataError(f"{name}, which data.exclude names, lists no positions")
    return np.unique(
        [_read_position(row[column : column + 1], f"{name}, line {line}", count) for line, row in listed]
    )


def take_reviews(reviews: Reviews, positions_N: np.ndarray) -> Reviews:
    """Return the reviews at ascending positions."""
    mask = np.zeros(len(reviews), dtype=bool)
    mask[positions_N] = True
    return Reviews(
        split=reviews.split,
        texts=list(compress(reviews.texts, mask)),
        labels_N=reviews.labels_N[mask],
        groups=None if reviews.groups is None else list(compress(reviews.groups, mask)),
        class_names=reviews.class_names,
    )


def _read_position(cells: Sequence[str], place: str, count: int) -> int:
    text = "".join(cells).strip()
    if not (text.isascii() and text.isdigit()):
        raise DataError(f"{place}: {shorten(repr(text))} is not a position, which is a whole number from 0")
    if int(text) >= count:
        raise DataError(f"{place}: position {shorten(text)} is too large; there are 0 to {count - 1}")
    return int(text)


def _choose_balanced(reviews: Reviews, settings: DataSettings, seed: int) -> list[int]:
    """Return ascending positions of at most `data.limit` reviews: whole groups, as many of each class.

    Reviews without groups are taken in blocks of neighbours, unless `data.validation` is random.
    """
    limit = settings.limit
    rule = "random" if settings.validation == "random" else "blocks"
    keys = keys_of_reviews(reviews, rule if reviews.groups is None else "group", limit / len(reviews))
    clusters: dict[Hashable, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        clusters[key].append(position)
    counts_C = np.bincount(reviews.labels_N, minlength=len(reviews.class_names))
    room_C = _divide_room(counts_C, limit)
    chosen = choose_clusters(list(clusters.values()), reviews.labels_N, room_C, np.random.default_rng(seed))
    if not chosen:
        smallest = min(map(len, clusters.values()))
        raise DataError(f"data.limit={limit} is too small: the smallest group has {smallest:,} reviews")
    require_classes(reviews, np.array(chosen), "train", f"; data.limit={limit} is too small")
    return sorted(chosen)


def _divide_room(counts_C: np.ndarray, limit: int) -> np.ndarray:
    """Return how many reviews of each class to take: as many of each; a rare class leaves room for others."""
    room_C = np.zeros_like(counts_C)
    while (left := limit - room_C.sum()) > 0 and (open_C := np.flatnonzero(room_C < counts_C)).size:
        more_C = np.full(len(open_C), left // len(open_C))
        more_C[len(open_C) - left % len(open_C) :] += 1
        room_C[open_C] = np.minimum(counts_C[open_C], room_C[open_C] + more_C)
    return room_C


def _take_share(reviews: Reviews, share: float, seed: int) -> Reviews:
    count = max(1, round(len(reviews) * share))
    positions_N = np.random.default_rng(seed).choice(len(reviews), count, replace=False)
    return take_reviews(reviews, positions_N)
