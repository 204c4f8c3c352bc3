"""Reviews with their labels, split by split, from any source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sentiment.config import DataSettings
from sentiment.data.labels import NO_LABEL, UNLABELLED, read_labels
from sentiment.data.sources.locate import BUNDLED, open_source
from sentiment.data.sources.table import Table
from sentiment.data.text import why_unreadable
from sentiment.errors import DataError
from sentiment.system import memory

EXTRA = "extra"  # the split of the reviews that `data.extra` names
PHRASES = "phrases"  # the bundled short texts: the source and its split have this name
SPLIT_ORDER = {"train": 0, "validation": 1}


@dataclass(frozen=True)
class Reviews:
    """One split: texts, labels and, if the source has them, groups, all in the order of the source."""

    split: str
    texts: Sequence[str]
    labels_N: np.ndarray
    """int8: 1 positive, 0 negative, -1 without a label."""
    groups: Sequence[str] | None = None
    """What each review is about (`film`); None if the source has no such column."""

    def __len__(self) -> int:
        return len(self.texts)


class ReviewSource:
    """A source of reviews that is opened once; each split is read and checked when it is first asked for."""

    def __init__(self, settings: DataSettings) -> None:
        """Find the splits of `settings.source`; raises DataError or MachineError if it is not there."""
        self.settings = settings
        self._readers = open_source(settings.source, settings)
        self._reviews: dict[str, Reviews] = {}

    @property
    def labelled_splits(self) -> list[str]:
        """The names of the splits with labels: train, validation, then the others."""
        names = [name for name in self._readers if name != UNLABELLED]
        return sorted(names, key=lambda name: SPLIT_ORDER.get(name, len(SPLIT_ORDER)))

    def read(self, split: str) -> Reviews:
        """Return one split; raises DataError that names file, row and remedy."""
        if split not in self._reviews:
            self._reviews[split] = _check_table(self._readers[split](), split, self.settings)
            memory.release()
        return self._reviews[split]

    def read_splits(self, splits: Iterable[str]) -> dict[str, Reviews]:
        """Return those of the splits that exist, labelled ones first; the other splits are not read."""
        wanted = set(splits)
        found = [name for name in (*self.labelled_splits, UNLABELLED) if name in self._readers]
        return {name: self.read(name) for name in found if name in wanted}


def load_reviews(settings: DataSettings, splits: Sequence[str] | None = None) -> dict[str, Reviews]:
    """Load the labelled splits of `settings.source`, or those of `splits` that exist.

    A single file is one split, `train`. `unsupervised` has no labels: it is loaded only if `splits` names it.
    Raises DataError that names file, row and remedy, and MachineError if a download fails.
    """
    source = ReviewSource(settings)
    return source.read_splits(splits or source.labelled_splits)


def load_extra(settings: DataSettings) -> dict[str, Reviews]:
    """Load what `settings.extra` adds to training, as the split `extra`; nothing if the key is empty.

    Raises DataError as `load_reviews` does, or if the source has several splits.
    """
    if not settings.extra:
        return {}
    # Bundled reviews have their own columns.
    columns = DataSettings() if settings.extra in BUNDLED else settings
    source = ReviewSource(columns.model_copy(update={"source": settings.extra}))
    names = source.labelled_splits
    if len(names) != 1:
        raise DataError(
            f"data.extra: {settings.extra} has {len(names)} splits ({', '.join(names)}), not one; "
            "name a file with --set data.extra=FILE"
        )
    return {EXTRA: replace(source.read(names[0]), split=EXTRA)}


def load_phrases() -> dict[str, Reviews]:
    """Load the bundled short texts, as the split `phrases`."""
    reviews = ReviewSource(DataSettings(source=PHRASES)).read("train")
    return {PHRASES: replace(reviews, split=PHRASES)}


def _check_table(table: Table, split: str, settings: DataSettings) -> Reviews:
    """Return the reviews of a table; raises DataError that names the first wrong row."""
    table.require_readable_rows()
    texts = table.column(settings.text_column, "data.text_column")
    if len(texts) == 0:
        raise DataError(f"{table.origin} holds no reviews")
    if split == UNLABELLED:
        labels_N = np.full(len(texts), NO_LABEL, dtype=np.int8)
    else:
        labels_N = read_labels(table, settings.label_column)
    for row, text in enumerate(texts):
        flaw = why_unreadable(text) if isinstance(text, str) else "is empty"
        if flaw:
            raise DataError(f"{table.place(row)}: the text {flaw}; remove or fill the row")
    groups = table.columns.get(settings.group_column)
    return Reviews(split, texts, labels_N, None if groups is None else _name_groups(groups, split))


def _name_groups(groups: Sequence[Any], split: str) -> list[str]:
    """Return the name of each review's group; a review without one is a group of its own."""
    return [
        f"row {row} of {split} alone" if group is None or group == "" else str(group)
        for row, group in enumerate(groups)
    ]
