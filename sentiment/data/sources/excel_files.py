"""Read the first sheet of an Excel workbook, row by row, with openpyxl (the extra `excel`)."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sentiment.config import DataSettings
from sentiment.data.sources.budget import Budget, require_columns, require_short
from sentiment.data.sources.separated import columns_of_fields, take_rows
from sentiment.data.sources.shape import SAMPLE_ROWS, is_header, name_columns
from sentiment.data.sources.table import Layout, ReadRow, Table, TableMaker
from sentiment.data.text import shorten
from sentiment.errors import DataError
from sentiment.system.console import say
from sentiment.system.versions import install_command

BLOCK_BYTES = 2**20  # bytes
MOST_ROWS = 2**20  # what a sheet of Excel has


def stream_excel(path: Path, settings: DataSettings) -> Iterator[Table]:
    """Yield tables of the first sheet; cells keep their types, except dates, which become text.

    Raises DataError if openpyxl is not installed, or if the file is damaged or unpacks to too much.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(
            f'{path} is an Excel file; save it as "CSV UTF-8", or install its reader: '
            f"{install_command('excel')}"
        ) from None
    with _named_damage(path):
        _check_parts(path)
    with _named_damage(path), closing(load_workbook(path, read_only=True, data_only=True)) as book:
        sheet = book.worksheets[0]
        if len(book.worksheets) > 1:
            say(f"{path}: reading the sheet {sheet.title}, the first of {len(book.worksheets)}")
        sheet.reset_dimensions()  # some programs write wrong ones
        yield from _make_tables_of_sheet(path, sheet, settings)


def _check_parts(path: Path) -> None:
    """Raise DataError if the parts of a workbook unpack to too much; openpyxl keeps many elements."""
    budget = Budget(path)
    with ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as part:
                while block := part.read(BLOCK_BYTES):
                    budget.take(len(block), values=block.count(b"</") + block.count(b"/>"))


@contextmanager
def _named_damage(path: Path) -> Iterator[None]:
    """Turn any error of openpyxl into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path} is not a complete Excel file: {shorten(error)}; save it again") from None


def _make_tables_of_sheet(path: Path, sheet: Any, settings: DataSettings) -> Iterator[Table]:
    budget = Budget(path)
    rows = _read_sheet(path, sheet, budget)
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
    fitted = _fit_rows(chain(beginning, rows), len(names))
    yield from maker.cut(take_rows(fitted, len(names), budget))


def _read_sheet(path: Path, sheet: Any, budget: Budget) -> Iterator[ReadRow]:
    """Yield each row that is not blank with its number, without the empty cells at its end.

    The texts, the blank rows and these empty cells are counted.
    """
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MOST_ROWS:
            raise DataError(f"{path} has more than {MOST_ROWS:,} rows, the most of Excel; save it as csv")
        values = [_plain_value(cell) for cell in cells]
        while values and values[-1] is None:
            values.pop()
        lengths = [len(value) for value in values if isinstance(value, str)]
        require_short(max(lengths, default=0), f"{path}, row {number}", "cell")
        budget.take(sum(lengths), values=1 + len(cells) - len(values))
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
