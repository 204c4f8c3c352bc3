"""The rows of a table to predict, piece by piece: each row in its place, usable or not."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.columns import choose_columns, is_usual
from sentiment.data.labels import LabelReader, choose_known_reader
from sentiment.data.sources.budget import Budget
from sentiment.data.sources.files import stream_table
from sentiment.data.sources.table import BadRow, Layout, Table
from sentiment.data.text import why_unusable
from sentiment.inference.lines import Line
from sentiment.system.console import say

LINES_AT_A_TIME = 4_096
OF_OBJECTS = ("jsonl", "json")  # formats whose rows have keys of their own


@dataclass(frozen=True)
class Piece:
    """Some rows of a table in their order, those that cannot be used among them."""

    columns: dict[str, Sequence[Any]]
    texts: Sequence[Any]
    flaws: Sequence[str]
    """Why a row cannot be used; empty if it can."""
    places: Sequence[str]
    """What an error calls the place of each row."""

    @property
    def usable_texts(self) -> list[str]:
        """The texts of the rows that can be used."""
        return [text for text, flaw in zip(self.texts, self.flaws, strict=True) if not flaw]

    @cached_property
    def usable_count(self) -> int:
        """How many rows can be used."""
        return sum(not flaw for flaw in self.flaws)


@dataclass(frozen=True)
class TableShape:
    """What has to be known of a table before its first row is written."""

    names: list[str]
    """All its columns."""
    text_column: str
    layout: Layout
    label_column: str | None = None
    """None if it has no labels."""


def open_table(path: Path, settings: DataSettings) -> tuple[TableShape, Iterator[Piece]]:
    """Return the shape of a file and its rows piece by piece.

    The columns are those of its beginning, or of all objects of JSON, which are read twice. Raises DataError
    if the file cannot be read or has no column of texts.
    """
    tables = stream_table(path, settings)
    first = next(tables)
    names = dict.fromkeys(first.columns)
    if first.layout.format in OF_OBJECTS:
        rows = _count_rows(first)
        for table in tables:
            names |= dict.fromkeys(table.columns)
            rows += _count_rows(table)
        Budget(path).take(values=rows * len(names))  # each row is written with every key
        tables = stream_table(path, settings)
    else:
        tables = itertools.chain([first], tables)
    shape = _choose_shape(first, list(names), settings)
    return shape, _make_pieces(tables, shape)


def read_table_lines(path: Path, settings: DataSettings) -> Iterator[Line]:
    """Yield each row of a file as a review, also those that cannot be used.

    The columns are those of its beginning. A file with labels is read twice: only all of them together tell
    what they mean. Raises DataError as `open_table` does.
    """
    tables = stream_table(path, settings)
    first = next(tables)
    shape = _choose_shape(first, list(first.columns), settings)
    if first.layout.format in OF_OBJECTS:  # they may have thousands of other keys
        shape = replace(shape, names=list(filter(None, [shape.text_column, shape.label_column])))
    reader = None
    if shape.label_column is not None:
        every = stream_table(path, settings)
        values = (value for table in every for value in table.columns.get(shape.label_column, ()))
        reader = choose_known_reader(values, settings, first.classes.get(shape.label_column, ()))
    for piece in _make_pieces(itertools.chain([first], tables), shape):
        yield from _lines_of_piece(piece, shape.label_column, reader)


def _count_rows(table: Table) -> int:
    return table.row_count + len(table.bad_rows)


def _choose_shape(table: Table, names: list[str], settings: DataSettings) -> TableShape:
    """Return the shape of a table that begins with `table`; the columns that were chosen are said."""
    needs_label = not is_usual(settings.label_column)
    chosen = choose_columns(
        names, settings, origin=table.origin, needs_label=needs_label, values=table.columns
    )
    if chosen.note is not None:
        say(chosen.note)
    return TableShape(names, chosen.text, table.layout, chosen.label)


def _make_pieces(tables: Iterable[Table], shape: TableShape) -> Iterator[Piece]:
    for table in tables:
        yield make_piece(table, shape)


def _lines_of_piece(piece: Piece, label_column: str | None, reader: LabelReader | None) -> Iterator[Line]:
    raw_labels = piece.columns[label_column] if label_column else [None] * len(piece.texts)
    for where, text, raw, flaw in zip(piece.places, piece.texts, raw_labels, piece.flaws, strict=True):
        yield Line(where, text, None if reader is None or flaw else reader.read_name(raw), flaw)


def pieces_of_lines(lines: Iterable[Line]) -> Iterator[Piece]:
    """Yield texts as pieces of a table with the column `text`."""
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == LINES_AT_A_TIME:
            yield _piece_of_lines(batch)
            batch = []
    if batch:
        yield _piece_of_lines(batch)


def _piece_of_lines(lines: Sequence[Line]) -> Piece:
    texts = [line.text for line in lines]
    return Piece({"text": texts}, texts, [line.flaw for line in lines], [line.where for line in lines])


def make_piece(table: Table, shape: TableShape) -> Piece:
    """Return the rows of a piece of a table, with the bad ones in their places and why they are bad."""
    count = table.row_count
    nothing = [None] * count
    columns = {name: list(table.columns.get(name, nothing)) for name in shape.names}
    flaws = list(map(why_unusable, columns[shape.text_column]))
    places = [table.place(row) for row in range(count)]
    if table.bad_rows:
        for added, bad in enumerate(table.bad_rows):
            place = bad.position + added
            for name, value in _fill_row(bad, shape).items():
                columns[name].insert(place, value)
            flaws.insert(place, bad.reason)
            places.insert(place, bad.place)
    return Piece(dict(columns), columns[shape.text_column], flaws, places)


def _fill_row(bad: BadRow, shape: TableShape) -> dict[str, Any]:
    """Return the cells of a row that could not be read as one: what it holds, as far as there are columns."""
    if shape.layout.format != "csv":
        return dict.fromkeys(shape.names) | {shape.text_column: _as_text(bad.values)}
    fields, width = list(map(str, bad.values)), len(shape.names)
    if len(fields) > width:
        fields[width - 1 :] = [shape.layout.separator.join(fields[width - 1 :])]
    return dict(zip(shape.names, fields + [""] * (width - len(fields)), strict=True))


def _as_text(values: Any) -> str:
    if isinstance(values, list):
        return " ".join(map(str, values))
    return str(values).rstrip("\r\n")
