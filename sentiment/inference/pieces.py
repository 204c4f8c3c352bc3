"""The rows of a table to predict, piece by piece: each row in its place, usable or not."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.columns import choose_columns
from sentiment.data.sources.files import stream_table
from sentiment.data.sources.table import BadRow, Layout, Table
from sentiment.data.text import why_unreadable
from sentiment.inference.lines import Line
from sentiment.system.console import say

LINES_AT_A_TIME = 4_096


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


def open_table(path: Path, settings: DataSettings) -> tuple[TableShape, Iterator[Piece]]:
    """Return the shape of a file and its rows piece by piece.

    The columns are those of its beginning, or of all objects of JSON, which are read twice. Raises DataError
    if the file cannot be read or has no column of texts.
    """
    tables = stream_table(path, settings)
    first = next(tables)
    names = dict.fromkeys(first.columns)
    if first.layout.format in ("jsonl", "json"):
        for table in tables:
            names |= dict.fromkeys(table.columns)
        tables = stream_table(path, settings)
    else:
        tables = itertools.chain([first], tables)
    chosen = choose_columns(
        list(names), settings, origin=first.origin, needs_label=False, values=first.columns
    )
    if chosen.note is not None:
        say(chosen.note)
    shape = TableShape(list(names), chosen.text, first.layout)
    return shape, _make_pieces(tables, shape)


def _make_pieces(tables: Iterable[Table], shape: TableShape) -> Iterator[Piece]:
    for table in tables:
        yield make_piece(table, shape)


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
    return Piece({"text": texts}, texts, list(map(_find_flaw, texts)), [line.where for line in lines])


def make_piece(table: Table, shape: TableShape) -> Piece:
    """Return the rows of a piece of a table, with the bad ones in their places and why they are bad."""
    count = table.row_count
    columns: dict[str, Sequence[Any]] = {
        name: table.columns.get(name, [None] * count) for name in shape.names
    }
    flaws = list(map(_find_flaw, columns[shape.text_column]))
    places = [table.place(row) for row in range(count)]
    if table.bad_rows:
        columns = {name: list(values) for name, values in columns.items()}
        for added, bad in enumerate(table.bad_rows):
            place = bad.position + added
            for name, value in _fill_row(bad, shape).items():
                columns[name].insert(place, value)  # type: ignore[attr-defined]
            flaws.insert(place, bad.reason)
            places.insert(place, bad.place)
    return Piece(columns, columns[shape.text_column], flaws, places)


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


def _find_flaw(text: Any) -> str:
    """Return why a text cannot be predicted, or nothing."""
    if text is None:
        return "the text is empty"
    flaw = why_unreadable(text) if isinstance(text, str) else "is no text"
    return f"the text {flaw}" if flaw else ""
