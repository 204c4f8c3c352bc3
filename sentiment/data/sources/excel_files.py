"""Read the first sheet of an Excel workbook, row by row, with openpyxl (the extra `excel`)."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.sources.budget import require_columns
from sentiment.data.sources.separated import columns_of_fields
from sentiment.data.sources.shape import SAMPLE_ROWS, is_header, name_columns
from sentiment.data.sources.table import Layout, ReadRow, Table, TableMaker
from sentiment.data.text import shorten
from sentiment.errors import DataError
from sentiment.system.console import say


def stream_excel(path: Path, settings: DataSettings) -> Iterator[Table]:
    """Yield tables of the first sheet; cells keep their types, except dates, which become text.

    Raises DataError if openpyxl is not installed or the file is damaged.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(
            f'{path} is an Excel file; save it as "CSV UTF-8", or install its reader: '
            'pip install "sentiment[excel]"'
        ) from None
    with _named_damage(path), closing(load_workbook(path, read_only=True, data_only=True)) as book:
        sheet = book.worksheets[0]
        if len(book.worksheets) > 1:
            say(f"{path}: reading the sheet {sheet.title}, the first of {len(book.worksheets)}")
        sheet.reset_dimensions()  # some programs write wrong ones
        yield from _make_tables_of_sheet(path, _read_sheet(sheet), settings)


@contextmanager
def _named_damage(path: Path) -> Iterator[None]:
    """Turn any error of openpyxl into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path} is not a complete Excel file: {shorten(error)}; save it again") from None


def _make_tables_of_sheet(path: Path, rows: Iterator[ReadRow], settings: DataSettings) -> Iterator[Table]:
    beginning = list(islice(rows, SAMPLE_ROWS))
    cells = [[_text_of_cell(cell) for cell in row.values] for row in beginning]
    has_header = not settings.no_header and (not cells or is_header(cells, settings))
    first = cells.pop(0) if cells else []
    if has_header:
        names = name_columns(first)
        require_columns(names, path)
        beginning = beginning[1:]
    else:
        names = [str(number) for number in range(1, len(first) + 1)]
        if not settings.no_header:
            say(f"{path}: assuming no header (the columns are numbered 1 to {len(first)})")
    maker = TableMaker(
        str(path),
        Layout("xlsx", has_header=has_header),
        lambda values: columns_of_fields(names, values),
        unit="row",
    )
    yield from maker.cut(_fit_rows(chain(beginning, rows), len(names)))


def _read_sheet(sheet: Any) -> Iterator[ReadRow]:
    """Yield each row that is not blank with its number, without the empty cells at its end."""
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        values = [_plain_value(cell) for cell in cells]
        while values and values[-1] is None:
            values.pop()
        if values:
            yield ReadRow(number, values)


def _fit_rows(rows: Iterable[ReadRow], width: int) -> Iterator[ReadRow]:
    """Yield the rows with a cell for each column, with a flaw if they have more."""
    for row in rows:
        missing = width - len(row.values)
        if missing < 0:
            yield row._replace(flaw=f"{len(row.values)} cells where the first row has {width}")
        else:
            yield row._replace(values=[*row.values, *[None] * missing])


def _plain_value(cell: Any) -> Any:
    """Return text, numbers and truth values as they are, and all else as text."""
    return cell if cell is None or isinstance(cell, str | int | float) else str(cell)


def _text_of_cell(cell: Any) -> str:
    return "" if cell is None else str(cell)
