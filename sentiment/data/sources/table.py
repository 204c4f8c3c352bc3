"""A table as it was read: columns, where they came from, and the place of each row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sentiment.data.text import shorten
from sentiment.errors import DataError

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Columns of equal length."""

    origin: str
    """What messages call the table: a file, a folder or a name on the hub."""
    columns: dict[str, Sequence[Any]]
    lines: Sequence[int] | None = None
    """The line of the file in which each row begins; None if the format has no lines."""
    classes: dict[str, Sequence[str]] = field(default_factory=dict)
    """Class names of each column whose source declares them."""

    def column(self, name: str, key: str) -> Sequence[Any]:
        """Return one column; raises DataError that names those there are, and the `key` to set."""
        if name not in self.columns:
            found = shorten(", ".join(self.columns) or "none")
            raise DataError(
                f"{self.origin} has no column {shorten(name)} (found: {found}); rename one to that, "
                f"or train with --set {key}=NAME"
            )
        return self.columns[name]

    def place(self, row: int) -> str:
        """Return where a row is, counted from 0: `x.csv, line 7`, or `x.parquet, row 7` without lines."""
        return (
            f"{self.origin}, row {row + 1}"
            if self.lines is None
            else f"{self.origin}, line {self.lines[row]}"
        )


SplitReaders = dict[str, Callable[[], Table]]
"""The splits of a source; a split is read when its function is called."""


def table_of_rows(origin: str, rows: Sequence[Row], lines: Sequence[int] | None = None) -> Table:
    """Return rows as a table; a key that a row does not have is None there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(origin, {name: [row.get(name) for row in rows] for name in names}, lines)
