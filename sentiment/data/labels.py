"""Read the labels of a table and check them: 0 is negative, 1 is positive."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sentiment.data.sources.table import Table
from sentiment.data.text import shorten
from sentiment.errors import DataError

LABELS = {"0": 0, "1": 1, "negative": 0, "positive": 1}
NO_LABEL = -1
UNLABELLED = "unsupervised"  # the split without labels, as IMDB on the hub calls it


def read_label(value: Any) -> int | None:
    """Return 1 for 1, "1" or "positive", 0 for 0, "0" or "negative", and None for anything else."""
    is_readable = isinstance(value, int | str) and not isinstance(value, bool)
    return LABELS.get(str(value)) if is_readable else None


def read_labels(table: Table, column: str) -> np.ndarray:
    """Return int8 labels of every row; raises DataError that names the first row with a wrong one."""
    values = table.column(column, "data.label_column")
    _require_two_classes(table, column)
    labels_N = np.zeros(len(values), dtype=np.int8)
    for row, value in enumerate(values):
        label = read_label(value)
        if label is None:
            raise DataError(
                f"{table.place(row)}: the label is {shorten(repr(value))}; "
                "it must be 0 (negative) or 1 (positive)"
            )
        labels_N[row] = label
    return labels_N


def _require_two_classes(table: Table, column: str) -> None:
    """Raise DataError if the source declares other classes than negative, then positive."""
    classes: Sequence[str] | None = table.classes.get(column)
    if classes is not None and len(classes) != 2:
        raise DataError(f"{table.origin} has {len(classes)} classes; this program needs two")
    if classes is not None and classes[0].lower().startswith("pos"):
        raise DataError(
            f"{table.origin} calls label 0 {shorten(classes[0])}; 0 must be negative: swap its labels"
        )
