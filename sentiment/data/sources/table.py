"""A table as it was read: columns, where they came from, the place of each row, and the bad rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, repeat
from typing import Any, NamedTuple, overload

Row = dict[str, Any]
PIECE_ROWS = 4_096
MOST_EMPTY = 4  # a table of objects may have so many times the cells that the objects fill
SKIP_HINT = "or leave bad rows out with --skip-bad-rows"


@dataclass(frozen=True)
class Layout:
    """How a file was written."""

    format: str = ""
    """csv, jsonl, json, parquet, arrow, xlsx, text or fasttext; empty for a folder or the hub."""
    separator: str = ","
    """What is between two fields of a csv file; a tsv file is csv with tabs."""
    encoding: str = "utf-8"
    """The encoding of a text file, as Python calls it; `utf-8-sig` and `utf-16` begin with a mark."""
    has_header: bool = True
    """Whether a csv file names its columns; if not, they are called `1`, `2` and so on."""


class BadRow(NamedTuple):
    """A row that cannot be read as a row of its table."""

    place: str
    """As `Table.place` says it."""
    reason: str
    """What is wrong with it, and what to do."""
    position: int
    """How many rows of the table come before it."""
    values: Sequence[Any]
    """What the row holds, as far as it could be read."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length."""

    origin: str
    """What messages call the table: a file, a folder or a name on the hub."""
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int] | None = None
    """The line of the file in which each row begins; None if rows are counted from 1."""
    classes: dict[str, Sequence[str]] = field(default_factory=dict)
    """Class names of each column whose source declares them."""
    bad_rows: Sequence[BadRow] = ()
    """Rows that could not be read; `columns` does not hold them."""
    layout: Layout = Layout()
    unit: str = "line"
    """What `lines` counts: `line`, or the `row` of a sheet or a list."""
    rows_before: int = 0
    """How many rows of the file come before this piece of it."""

    def keep(self, names: Iterable[str]) -> "Table":
        """Return the table with these columns alone, each of them in memory if it was to be looked up."""
        columns = {name: self.columns[name] for name in names}
        kept = {name: list(one) if isinstance(one, LazyColumn) else one for name, one in columns.items()}
        return replace(self, columns=kept)

    @property
    def row_count(self) -> int:
        """How many rows the columns hold."""
        return len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Return where a row is, counted from 0: `x.csv, line 7`, or `x.parquet, row 7` without lines."""
        if self.lines is None:
            return f"{self.origin}, row {self.rows_before + row + 1}"
        return f"{self.origin}, {self.unit} {self.lines[row]}"


SplitReaders = dict[str, Callable[[], Table]]
"""The splits of a source; a split is read when its function is called."""


class ReadRow(NamedTuple):
    """A row of a text file before it is part of a table."""

    line: int
    """The line it begins in, or its number in a sheet or a list."""
    values: Any
    """A list of fields, or an object of JSON."""
    flaw: str = ""
    """Why it is no row of the table; empty if it is one."""


@dataclass(frozen=True)
class TableMaker:
    """Cuts the rows of one file into tables of some thousand rows."""

    origin: str
    layout: Layout
    make_columns: Callable[[Sequence[Any]], Mapping[str, Sequence[Any]]]
    """From the values of rows to columns; without rows, the columns are empty."""
    unit: str = "line"
    """Whether the number of a row is its `line` or its `row`."""

    def cut(self, rows: Iterable[ReadRow]) -> Iterator[Table]:
        """Yield tables; a file without rows is one table with its columns alone."""
        rows, before = iter(rows), 0
        piece = list(islice(rows, PIECE_ROWS))
        while piece or before == 0:
            yield self._make_table(piece, before)
            if not piece:
                return
            before += len(piece)
            piece = list(islice(rows, PIECE_ROWS))

    def _make_table(self, rows: Sequence[ReadRow], before: int) -> Table:
        good = [row for row in rows if not row.flaw]
        bad, position = [], 0
        for row in rows if len(good) < len(rows) else ():
            if row.flaw:
                place = f"{self.origin}, {self.unit} {row.line}"
                bad.append(BadRow(place, row.flaw, position, row.values))
            else:
                position += 1
        return Table(
            self.origin,
            self.make_columns([row.values for row in good]),
            lines=[row.line for row in good],
            unit=self.unit,
            bad_rows=bad,
            layout=self.layout,
            rows_before=before,
        )


@dataclass(frozen=True)
class LazyColumn(Sequence[Any]):
    """A column whose values are looked up when they are asked for."""

    length: int
    values: Callable[[], Iterator[Any]]

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        return self.values()

    @overload
    def __getitem__(self, where: int) -> Any: ...
    @overload
    def __getitem__(self, where: slice) -> list[Any]: ...
    def __getitem__(self, where: int | slice) -> Any:
        if isinstance(where, slice):
            return list(islice(self, *where.indices(self.length)))
        return next(islice(self, range(self.length)[where], None))


@dataclass(frozen=True)
class LazyColumns(Mapping[str, Sequence[Any]]):
    """Columns that are looked up when they are asked for.

    Rows that all have other keys would take the memory of rows times keys.
    """

    names: dict[str, None]
    length: int
    look_up: Callable[[str], Iterator[Any]]

    def __getitem__(self, name: str) -> LazyColumn:
        if name not in self.names:
            raise KeyError(name)
        return LazyColumn(self.length, lambda: self.look_up(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def columns_of_objects(rows: Sequence[Row]) -> Mapping[str, Sequence[Any]]:
    """Return objects as columns; a key that an object does not have is None there."""
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) * len(rows) > MOST_EMPTY * sum(map(len, rows)):
        return LazyColumns(names, len(rows), lambda name: (row.get(name) for row in rows))
    return {name: [row.get(name) for row in rows] for name in names}


def join_tables(pieces: Iterable[Table]) -> Table:
    """Return the pieces of a file as one table, whose columns are joined when they are asked for."""
    tables = list(pieces)
    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    lines: list[int] = []
    bad_rows: list[BadRow] = []
    rows = 0
    for table in tables:
        lines += table.lines or ()
        bad_rows += (bad._replace(position=bad.position + rows) for bad in table.bad_rows)
        rows += table.row_count

    def values_of(name: str) -> Iterator[Any]:
        empty = (repeat(None, table.row_count) for table in tables)
        return chain.from_iterable(
            table.columns.get(name, nothing) for table, nothing in zip(tables, empty, strict=True)
        )

    return Table(
        first.origin,
        LazyColumns(names, rows, values_of),
        lines=None if first.lines is None else lines,
        classes=first.classes,
        bad_rows=bad_rows,
        layout=first.layout,
        unit=first.unit,
    )
