"""Reviews with their labels, split by split, from any source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sentiment.config import DataSettings, OwnTable
from sentiment.config.classes import CLASS_NAMES, Classes
from sentiment.data.columns import (
    ORIGIN_LENGTH,
    Columns,
    MissingColumnsError,
    choose_columns,
    require_group,
)
from sentiment.data.labels import UNLABELLED
from sentiment.data.rows import UsableRows, read_rows, require_rows, suggest_options
from sentiment.data.sources.locate import BUNDLED, open_source
from sentiment.data.sources.table import SplitReaders, Table
from sentiment.data.text import shorten
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
    """int8: the number of each review's class, -1 without a label."""
    groups: Sequence[str] | None = None
    """What each review is about (`film`); None if the source has no such column."""
    kept_R: np.ndarray | None = None
    """Whether each row of the source is one of the reviews (bool); None if all are."""
    class_names: tuple[str, ...] = CLASS_NAMES
    """The names of the classes 0, 1 and so on."""

    def __len__(self) -> int:
        return len(self.texts)


class ReviewSource:
    """A source of reviews that is opened once; each split is read and checked when it is first asked for."""

    def __init__(self, settings: DataSettings, readers: SplitReaders | None = None) -> None:
        """Find the splits of `settings.source`; raises DataError or MachineError if it is not there.

        `readers` are its splits if they are already found.
        """
        self.settings = settings
        self.columns: Columns | None = None
        """The columns of the split that was read first."""
        self.classes: Classes | None = None
        """The classes and the labels of the splits that were read; None before the first labelled split."""
        self.notes: list[str] = []
        """Sentences for the user about the splits that were read: the choice of columns, rows left out."""
        self._readers = open_source(settings.source, settings) if readers is None else readers
        self._reviews: dict[str, Reviews] = {}

    @property
    def labelled_splits(self) -> list[str]:
        """The names of the splits with labels: train, validation, then the others."""
        names = [name for name in self._readers if name != UNLABELLED]
        return sorted(names, key=lambda name: SPLIT_ORDER.get(name, len(SPLIT_ORDER)))

    def read(self, split: str) -> Reviews:
        """Return one split; raises DataError that names file, row and remedy."""
        if split not in self._reviews:
            self._reviews[split] = self._read(split)
            memory.release()
        return self._reviews[split]

    def forget(self) -> None:
        """Drop the reviews that were read, to free their memory; they are read again if asked for again."""
        self._reviews.clear()

    def _read(self, split: str) -> Reviews:
        table = self._readers[split]()
        require_rows(table)
        columns = _choose_columns(table, self.settings, needs_label=split != UNLABELLED)
        if split == "train":
            require_group(columns, self.settings, table.origin)
        if split == UNLABELLED:
            columns = replace(columns, label=None)
        table = table.keep(name for name in columns.names().values() if name is not None)
        rows = read_rows(table, columns, self.settings, self.classes)
        if split != UNLABELLED:
            self._remember(columns, rows)
        groups = None if rows.groups is None else _name_groups(rows.groups, split)
        names = (self.classes or rows.classes).names
        return Reviews(split, rows.texts, rows.labels_N, groups, rows.kept_R, names)

    def _remember(self, columns: Columns, rows: UsableRows) -> None:
        """Keep what the user is told; columns are told once, not for each split that has the same."""
        is_new = self.columns is None or columns.names() != self.columns.names()
        if is_new and columns.note is not None:
            self.notes.append(columns.note)
        self.notes += rows.notes
        self.columns = self.columns or columns
        if self.classes is None:
            self.classes = rows.classes
        else:
            self.classes = replace(self.classes, of_label={**self.classes.of_label, **rows.classes.of_label})

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


def load_extra(settings: DataSettings, classes: Classes) -> dict[str, Reviews]:
    """Load what `settings.extra` adds to training, as the split `extra`; nothing if the key is empty.

    Its labels are those of the source, which has these classes. Raises DataError as `load_reviews` does, or
    if it has several splits.
    """
    if not settings.extra:
        return {}
    source = ReviewSource(settings_of_another("extra", settings, classes))
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


def _choose_columns(table: Table, settings: DataSettings, needs_label: bool) -> Columns:
    """Return the columns of a table; if some are missing, the message has every option that is needed."""
    try:
        return choose_columns(
            list(table.columns),
            settings,
            origin=table.origin,
            needs_label=needs_label,
            values=table.columns,
        )
    except MissingColumnsError as error:
        if needs_label and table.layout.format == "text":
            raise DataError(
                f"{shorten(table.origin, ORIGIN_LENGTH)} has a text in each line and no labels; begin each "
                "line with __label__0 or __label__1, or save a table with the columns text and label"
            ) from None
        text, label = error.guesses["text"], error.guesses["label"]
        if not needs_label or not text or not label:
            raise
        more = suggest_options(table, Columns(text, label, None), settings)
        raise DataError(f"{error}{more}") from None


def settings_of_another(key: str, settings: DataSettings, classes: Classes) -> DataSettings:
    """Return the settings of a further source to learn from, which `data.KEY` names.

    Its columns and labels are those of the source, which has these classes, or the usual ones. Raises
    DataError if it is bundled and has other classes.
    """
    name: str = getattr(settings, key)
    if name in BUNDLED:
        if not classes.are_sentiments:
            raise DataError(
                f"data.{key}: {name} has the classes negative and positive, not those of the source; "
                f"leave it out with --set data.{key}="
            )
        return DataSettings(source=name)
    own = OwnTable(
        text=settings.text_column,
        label=settings.label_column,
        group=settings.group_column,
        classes=classes,
        leaves_labels_out=bool(settings.classes),
    )
    return settings.for_another_table(own, source=name, skip_bad_rows=settings.skip_bad_rows)


def _name_groups(groups: Sequence[Any], split: str) -> list[str]:
    """Return the name of each review's group; a review without one is its own group."""
    return [
        f"row {row} of {split} alone" if group is None or group == "" else str(group)
        for row, group in enumerate(groups)
    ]
