"""Check the rows of a table: which can be used, and what is wrong with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from sentiment.config import DataSettings
from sentiment.config.classes import SENTIMENTS, Classes
from sentiment.data.columns import ORIGIN_LENGTH, Columns
from sentiment.data.label_column import LEFT_OUT, MISSING, LabelColumn, place_in_table, read_label_column
from sentiment.data.sources.table import SKIP_HINT, Table
from sentiment.data.text import shorten, why_unusable
from sentiment.errors import DataError

NAMED_ROWS = 3  # bad rows that a message names


class NoLabelsError(DataError):
    """No row of a table has a label, such as those of a test split whose labels are kept secret."""


@dataclass(frozen=True)
class UsableRows:
    """The rows of a table that can be used, in their order."""

    texts: Sequence[str]
    labels_N: np.ndarray
    """int8: the number of each row's class, -1 without a label."""
    groups: Sequence[Any] | None
    """The group of each row as the table has it, with None for a row without one."""
    kept_R: np.ndarray | None = None
    """Whether each row of the table can be used (bool); None if all can."""
    classes: Classes = SENTIMENTS
    """The classes, with the labels that were found."""
    notes: Sequence[str] = ()
    """Sentences for the user: what unusual labels mean, and what was left out."""


class Flaw(NamedTuple):
    """A row that cannot be used."""

    position: int
    """How many readable rows come before it."""
    place: str
    """Where it is in the table: `line 7`."""
    reason: str
    remedy: str = "remove or fill the row"
    row: int | None = None
    """Its number among the readable rows, if it is one of them."""


def require_rows(table: Table) -> None:
    """Raise DataError if a table has no rows that can be read."""
    if table.row_count == 0:
        flaws = _find_flaws(table, (), ())
        raise DataError(_describe_flaws(table, flaws) if flaws else f"{table.origin} holds no reviews")


def read_rows(
    table: Table, columns: Columns, settings: DataSettings, seen: Classes | None = None
) -> UsableRows:
    """Return the usable rows of a table; without a label column their labels are -1.

    `seen` are the classes of another split of the source. Raises DataError that counts the bad rows and names
    the first of them, or names the labels if they are not those of the classes.
    """
    texts = table.columns[columns.text]
    labels = read_label_column(table, columns.label, settings, seen)
    if all(label == MISSING for label in labels.of_rows):
        raise NoLabelsError(
            f"{shorten(table.origin, ORIGIN_LENGTH)} has no labels in the column {columns.label}"
        )
    flaws = _find_flaws(table, texts, labels.of_rows)
    if labels.problem is not None:
        raise DataError(_join_problems(labels, table, flaws))
    if flaws and not settings.skip_bad_rows:
        raise DataError(_describe_flaws(table, flaws))
    bad = {flaw.row for flaw in flaws}
    kept = [label != LEFT_OUT and row not in bad for row, label in enumerate(labels.of_rows)]
    notes = [*labels.notes]
    if flaws:
        left_out = f"{_count_flaws(table, flaws)} ({_list_flaws(flaws)})"
        notes.append(f"{shorten(table.origin, ORIGIN_LENGTH)}: left out {left_out}")
    if not any(kept):
        raise DataError(f"{table.origin} holds no usable reviews ({'; '.join(notes)})")
    groups = None if columns.group is None else table.columns[columns.group]
    is_whole = all(kept)  # long columns then stay on the disk
    return UsableRows(
        texts=texts if is_whole else list(compress(texts, kept)),
        labels_N=np.array(list(compress(labels.of_rows, kept)), dtype=np.int8),
        groups=groups if is_whole or groups is None else list(compress(groups, kept)),
        kept_R=None if is_whole else np.array(kept),
        classes=labels.classes,
        notes=notes,
    )


def suggest_options(table: Table, columns: Columns, settings: DataSettings) -> str:
    """Return the options that a table with these columns needs besides them, each after a space."""
    labels = read_label_column(table, columns.label, settings)
    flaws = _find_flaws(table, table.columns[columns.text], labels.of_rows)
    return (f" {labels.remedy}" if labels.remedy else "") + (" --skip-bad-rows" if flaws else "")


# --- bad rows ------------------------------------------------------------------------------------------


def _find_flaws(table: Table, texts: Sequence[Any], labels: Sequence[int]) -> list[Flaw]:
    """Return the rows that cannot be used, in their order: unreadable, or without text or label."""
    flaws = []
    for bad in table.bad_rows:
        what, _, remedy = bad.reason.partition("; ")
        flaws.append(Flaw(bad.position, place_in_table(table, bad.place), what, remedy or "mend the row"))
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if label == LEFT_OUT:
            continue
        if reason := why_unusable(text) or ("there is no label" if label == MISSING else ""):
            flaws.append(Flaw(row, place_in_table(table, table.place(row)), reason, row=row))
    return sorted(flaws, key=lambda flaw: flaw.position)


def _join_problems(labels: LabelColumn, table: Table, flaws: Sequence[Flaw]) -> str:
    """Return the message for labels that are not those of classes, and for bad rows if there are some."""
    if not flaws:
        return f"{labels.problem}: {labels.remedy}"
    return (
        f"{labels.problem}; {_count_flaws(table, flaws)} cannot be used ({_list_flaws(flaws)}): "
        f"{labels.remedy} --skip-bad-rows"
    )


def _describe_flaws(table: Table, flaws: Sequence[Flaw]) -> str:
    """Return the message for rows that cannot be used."""
    origin = shorten(table.origin, ORIGIN_LENGTH)
    if len(flaws) == 1:
        return f"{origin}, {_list_flaws(flaws)}; {flaws[0].remedy}, {SKIP_HINT}"
    return (
        f"{origin}: {_count_flaws(table, flaws)} cannot be used ({_list_flaws(flaws)}); "
        f"remove or mend the rows, {SKIP_HINT}"
    )


def _count_flaws(table: Table, flaws: Sequence[Flaw]) -> str:
    return f"{len(flaws):,} of {table.row_count + len(table.bad_rows):,} rows"


def _list_flaws(flaws: Sequence[Flaw]) -> str:
    """Return the first bad rows with what is wrong with them."""
    named = [f"{flaw.place}: {flaw.reason}" for flaw in flaws[:NAMED_ROWS]]
    return ", ".join(named) + (", ..." if len(flaws) > NAMED_ROWS else "")
