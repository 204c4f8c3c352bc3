"""Read the column of labels of a whole table: which class each row has, and what to say about it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentiment.config import DataSettings
from sentiment.config.classes import CLASS_NAMES
from sentiment.data.columns import ORIGIN_LENGTH
from sentiment.data.labels import (
    MOST_LABELS,
    NO_LABEL,
    USUAL_LABELS,
    LabelReader,
    choose_reader,
    list_labels,
    suggest_classes,
)
from sentiment.data.sources.table import Table
from sentiment.data.text import shorten

LEFT_OUT = 2
"""The mark of a row whose label is in no class of `data.classes`."""
MISSING = 3
"""The mark of a row without a label."""


@dataclass(frozen=True)
class LabelColumn:
    """The labels of a table."""

    of_rows: Sequence[int]
    """For each row 0 (negative), 1 (positive), NO_LABEL, LEFT_OUT or MISSING."""
    classes: Mapping[str, str]
    """The class of each label that was found."""
    notes: Sequence[str] = ()
    """Sentences for the user: what unusual labels mean, and how many rows are left out for their label."""
    problem: str | None = None
    """What is wrong if the labels are not two known classes."""
    remedy: str = ""
    """The option to type then."""


def read_label_column(
    table: Table, column: str | None, settings: DataSettings, seen: Mapping[str, str]
) -> LabelColumn:
    """Return the labels of a table; without a column, every row has NO_LABEL.

    `seen` are the labels of other splits of the source: all of them together are two known classes.
    """
    if column is None:
        return LabelColumn([NO_LABEL] * table.row_count, {})
    values, names = table.columns[column], table.classes.get(column, ())
    unread = LabelReader({}, names)
    keys = [unread.key(value) for value in values]
    found = {key for key in keys if key is not None}
    if not found:
        return LabelColumn([MISSING] * len(keys), {})
    reader = choose_reader(found | seen.keys(), settings, names)
    if reader is None:
        marks = [MISSING if key is None else 0 for key in keys]
        labels = list(names) or _spell_labels(values, keys, seen)
        problem = _describe_problem(table, column, keys, labels)
        return LabelColumn(marks, {}, problem=problem, remedy=suggest_classes(labels))
    if reader.names != names:
        keys = [reader.key(value) for value in values]
    marks = [MISSING if key is None else reader.classes.get(key, LEFT_OUT) for key in keys]
    classes = {key: CLASS_NAMES[reader.classes[key]] for key in sorted(found) if key in reader.classes}
    notes = []
    if not settings.classes and _has_unusual_meaning(classes, reader, settings.own.classes):
        notes.append(_describe_meaning(table, classes, names))
    if LEFT_OUT in marks:
        notes.append(_count_left_out(table, keys, marks))
    return LabelColumn(marks, classes, notes)


def place_in_table(table: Table, place: str) -> str:
    """Return the place of a row without the name of the table: `line 7` or `row 7`."""
    return place.removeprefix(f"{table.origin}, ")


def _has_unusual_meaning(classes: Mapping[str, str], reader: LabelReader, of_run: Mapping[str, str]) -> bool:
    """Return whether a label is not a usual one, or means something else in the source or in the run."""
    is_usual = all(USUAL_LABELS.get(label) == CLASS_NAMES.index(name) for label, name in classes.items())
    is_as_in_run = all(of_run.get(label, name) == name for label, name in classes.items())
    return not is_usual or not is_as_in_run or (bool(reader.names) and reader.read(0) == 1)


def _describe_meaning(table: Table, classes: Mapping[str, str], names: Sequence[str]) -> str:
    if names:
        return f"{shorten(table.origin, ORIGIN_LENGTH)}: 0 is declared as {names[0]} and 1 as {names[1]}"
    meanings = [
        f"{name} is {list_labels(label for label, own in classes.items() if own == name)}"
        for name in CLASS_NAMES
        if name in classes.values()
    ]
    return f"{shorten(table.origin, ORIGIN_LENGTH)}: of the labels, {' and '.join(meanings)}"


def _count_left_out(table: Table, keys: Sequence[str | None], marks: Sequence[int]) -> str:
    others = Counter(key for key, mark in zip(keys, marks, strict=True) if mark == LEFT_OUT)
    counts = shorten(", ".join(f"{label} ({count:,})" for label, count in others.most_common()), 60)
    return (
        f"{shorten(table.origin, ORIGIN_LENGTH)}: left out {others.total():,} of {len(keys):,} rows "
        f"with other labels: {counts}"
    )


def _describe_problem(table: Table, column: str, keys: Sequence[str | None], labels: Sequence[str]) -> str:
    """Return what to say about labels that are not two known classes; `labels` are all of them as written."""
    origin = shorten(table.origin, ORIGIN_LENGTH)
    if table.classes.get(column):
        start = f"{origin} has {len(labels)} classes ({list_labels(labels)})"
    else:
        # The first one that is not usual, or the first one if only those of another split are not.
        present = [row for row, key in enumerate(keys) if key is not None]
        row = next((row for row in present if keys[row] not in USUAL_LABELS), present[0])
        place = place_in_table(table, table.place(row))
        value = shorten(repr(table.columns[column][row]), 40)
        start = f"{origin}, {place}: the label is {value} (found: {list_labels(labels)})"
    if len(labels) > MOST_LABELS:
        return f"{start}; {len(labels):,} different values are no classes, so name another column"
    return f"{start}; a model has two classes, so say which labels are negative and positive"


def _spell_labels(values: Sequence[Any], keys: Sequence[str | None], seen: Iterable[str]) -> list[str]:
    """Return each label as the table writes it, and those seen before."""
    spelt = {key: str(value).strip() for value, key in zip(values, keys, strict=True) if key is not None}
    return list(({key: key for key in seen} | spelt).values())
