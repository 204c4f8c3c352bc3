"""Read the column of labels of a whole table: which class each row has, and what to say about it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sentiment.config import DataSettings
from sentiment.config.classes import CLASS_NAMES, MOST_CLASSES, SENTIMENTS, Classes
from sentiment.data.columns import ORIGIN_LENGTH
from sentiment.data.labels import (
    NO_LABEL,
    USUAL_LABELS,
    LabelReader,
    choose_reader,
    list_labels,
    list_names,
    suggest_classes,
    suggest_use,
)
from sentiment.data.sources.table import Table
from sentiment.data.text import shorten

LEFT_OUT = -2
"""The mark of a row whose label is in no class of `data.classes`."""
MISSING = -3
"""The mark of a row without a label."""


@dataclass(frozen=True)
class LabelColumn:
    """The labels of a table."""

    of_rows: Sequence[int]
    """For each row the number of its class, NO_LABEL, LEFT_OUT or MISSING."""
    classes: Classes = SENTIMENTS
    """The classes, with the labels that were found."""
    notes: Sequence[str] = ()
    """Sentences for the user: what unusual labels mean, and how many rows are left out for their label."""
    problem: str | None = None
    """What is wrong if the labels are not those of classes."""
    remedy: str = ""
    """The option to type then."""


def read_label_column(
    table: Table, column: str | None, settings: DataSettings, seen: Classes | None = None
) -> LabelColumn:
    """Return the labels of a table; without a column, every row has NO_LABEL.

    `seen` are the classes of another split of the source, which this one must have too.
    """
    if column is None:
        return LabelColumn([NO_LABEL] * table.row_count)
    values, declared = table.columns[column], table.classes.get(column, ())
    unread = LabelReader(SENTIMENTS, declared)
    keys = [unread.key(value) for value in values]
    found = _spell_labels(values, keys)
    if not found:
        return LabelColumn([MISSING] * len(keys))
    reader = choose_reader(found, settings, declared, seen)
    unread_marks = [MISSING if key is None else 0 for key in keys]
    if reader is None:
        known = seen or (settings.own.classes if settings.is_judged else None)
        problem = _describe_problem(table, column, keys, found, known.names if known else ())
        remedy = suggest_classes(list(declared) or found.values(), known.names if known else CLASS_NAMES)
        return LabelColumn(unread_marks, problem=problem, remedy=remedy)
    if seen is None and not settings.classes and not settings.is_judged and not declared:
        lone = _describe_lone_label(table, column, keys, reader.classes)
        if lone is not None:
            return LabelColumn(unread_marks, problem=lone.problem, remedy=lone.remedy)
    if reader.declared != declared:
        keys = [reader.key(value) for value in values]
    marks = [MISSING if key is None else reader.numbers.get(key, LEFT_OUT) for key in keys]
    of_label = {key: reader.classes.of_label[key] for key in sorted(found) if key in reader.numbers}
    classes = Classes(reader.classes.names, of_label)
    notes = []
    note = _describe_classes(table, column, reader, classes, settings)
    if note is not None and not settings.classes and (classes.are_sentiments or seen is None):
        notes.append(note)
    if LEFT_OUT in marks:
        notes.append(_count_left_out(table, keys, marks))
    return LabelColumn(marks, classes, notes)


def place_in_table(table: Table, place: str) -> str:
    """Return the place of a row without the name of the table: `line 7` or `row 7`."""
    return place.removeprefix(f"{table.origin}, ")


def _describe_classes(
    table: Table, column: str, reader: LabelReader, classes: Classes, settings: DataSettings
) -> str | None:
    """Return what the user is told about labels that are no usual pair; None if all is as usual.

    `classes` has the labels that were found.
    """
    origin, declared = shorten(table.origin, ORIGIN_LENGTH), table.classes.get(column, ())
    if not classes.are_sentiments:
        names = list_names(classes.names)
        if settings.is_judged:
            return None
        if len(classes) > 2:
            return f"{origin}: each of the {len(classes)} labels is a class: {names}"
        return (
            f"{origin}: the two labels are the classes {names}; a probability is that of {classes.names[1]}"
        )
    if _mean_the_usual(classes.of_label, reader, settings.own.classes.of_label):
        return None
    if declared:
        return f"{origin}: 0 is declared as {declared[0]} and 1 as {declared[1]}"
    meanings = [
        f"{name} is {list_labels(label for label, own in classes.of_label.items() if own == name)}"
        for name in classes.names
        if name in classes.of_label.values()
    ]
    return f"{origin}: of the labels, {' and '.join(meanings)}"


def _mean_the_usual(of_label: Mapping[str, str], reader: LabelReader, of_run: Mapping[str, str]) -> bool:
    """Return whether all labels are usual ones and mean nothing else in the source or in the run."""
    is_usual = all(USUAL_LABELS.get(label) == name for label, name in of_label.items())
    is_as_in_run = all(of_run.get(label, name) == name for label, name in of_label.items())
    return is_usual and is_as_in_run and not (reader.declared and reader.read(0) == 1)


def _count_left_out(table: Table, keys: Sequence[str | None], marks: Sequence[int]) -> str:
    others = Counter(key for key, mark in zip(keys, marks, strict=True) if mark == LEFT_OUT)
    counts = shorten(", ".join(f"{label} ({count:,})" for label, count in others.most_common()), 60)
    return (
        f"{shorten(table.origin, ORIGIN_LENGTH)}: left out {others.total():,} of {len(keys):,} rows "
        f"with other labels: {counts}"
    )


def _describe_problem(
    table: Table, column: str, keys: Sequence[str | None], found: Mapping[str, str], names: Sequence[str]
) -> str:
    """Return what to say about labels that are not the classes they must be.

    `found` is the spelling of each label, `names` are the classes that are known already, if there are some.
    """
    origin, declared = shorten(table.origin, ORIGIN_LENGTH), table.classes.get(column, ())
    labels = list(declared) or [*found.values()]
    if declared:
        start = f"{origin} has {len(labels)} classes ({list_labels(labels)})"
    else:
        # The first one that is not usual, or the first one if only those of another split are not.
        present = [row for row, key in enumerate(keys) if key is not None]
        row = next((row for row in present if keys[row] not in USUAL_LABELS), present[0])
        place = place_in_table(table, table.place(row))
        value = shorten(repr(table.columns[column][row]), 40)
        start = f"{origin}, {place}: the label is {value} (found: {list_labels(labels)})"
    if len(labels) > MOST_CLASSES:
        return f"{start}; {len(labels):,} different values are no classes, so name another column"
    if names:
        return f"{start}; the classes are {list_names(names)}, so say which labels are which"
    if len(labels) == 1:
        return f"{start}; a model needs two classes or more, so say which labels are negative and positive"
    return f"{start}; so long a label is a text, so name another column"


class LoneLabel(NamedTuple):
    """What is said about a label that one row has, and the option to type."""

    problem: str
    remedy: str


def _describe_lone_label(
    table: Table, column: str, keys: Sequence[str | None], classes: Classes
) -> LoneLabel | None:
    """Return what to say about the first label that no other row has; None if all are usual or repeated.

    It is more often a slip than a class, and no class of one review can be trained on and judged.
    """
    counts = Counter(key for key in keys if key is not None)
    lone = [row for row, key in enumerate(keys) if key is not None and counts[key] == 1]
    if not lone or classes.are_sentiments:
        return None
    row = next((row for row in lone if keys[row] not in USUAL_LABELS), lone[0])
    place = place_in_table(table, table.place(row))
    value = shorten(repr(table.columns[column][row]), 40)
    repeated = [label for label, count in counts.items() if count > 1]
    problem = (
        f"{shorten(table.origin, ORIGIN_LENGTH)}, {place}: no other row has the label {value} "
        f"(found: {list_labels(counts)}); mend the row, or name the labels to use"
    )
    return LoneLabel(problem, suggest_use(repeated))


def _spell_labels(values: Sequence[Any], keys: Sequence[str | None]) -> dict[str, str]:
    """Return the first spelling of each label in the table."""
    spelt: dict[str, str] = {}
    for value, key in zip(values, keys, strict=True):
        if key is not None:
            spelt.setdefault(key, str(value).strip())
    return spelt
