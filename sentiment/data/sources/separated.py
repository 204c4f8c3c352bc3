"""Read csv and tsv: fields between separators, named by a header."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any

from sentiment.config import DataSettings
from sentiment.data.sources.budget import Budget, require_columns
from sentiment.data.sources.fields import split_rows
from sentiment.data.sources.shape import Shape, find_shape, name_columns
from sentiment.data.sources.table import Layout, ReadRow, Table, TableMaker
from sentiment.data.sources.text_files import TextFile, why_undecoded
from sentiment.system.console import say

SAMPLE_CHARACTERS = 2**16


def stream_separated(file: TextFile, settings: DataSettings, usual: str) -> Iterator[Table]:
    """Yield tables of csv or tsv; `usual` is the separator that belongs to the ending of the file.

    A row has as many fields as the header, else it is a bad row. What is not as usual is said on stderr.
    """
    shape = find_shape(read_sample(file), usual, settings)
    say_assumptions(file, shape.assumption)
    yield from stream_rows(file, shape, settings)


def stream_rows(file: TextFile, shape: Shape, settings: DataSettings) -> Iterator[Table]:
    """Yield tables of rows of a known shape."""
    with file.open() as stream:
        budget = Budget(file.path)
        rows = split_rows(
            islice(budget.read_lines(stream), shape.lines_before, None),
            separator=shape.separator,
            quoting=settings.quoting,
            origin=file.origin,
            first_line=1 + shape.lines_before,
        )
        if shape.has_header:
            names = name_columns(next(rows, ReadRow(1, [])).values)
            require_columns(names, file.path)
        else:
            names = [str(number) for number in range(1, shape.width + 1)]
        layout = Layout("csv", shape.separator, file.encoding, shape.has_header)
        maker = TableMaker(file.origin, layout, partial(columns_of_fields, names))
        checked = _check_rows(rows, names, has_header=shape.has_header, file=file)
        yield from maker.cut(take_rows(checked, len(names), budget))


def read_sample(file: TextFile) -> list[str]:
    """Return the first lines of a file; only the first of them may be cut off."""
    with file.open() as stream:
        text = stream.read(SAMPLE_CHARACTERS)
    lines = list(io.StringIO(text, newline=""))
    return lines if len(text) < SAMPLE_CHARACTERS or len(lines) == 1 else lines[:-1]


def say_assumptions(file: TextFile, *assumptions: str) -> None:
    """Say on stderr what was assumed about a file, if anything was."""
    if found := [text for text in (*assumptions, file.assumption) if text]:
        _say_once(f"{file.origin}: assuming {', '.join(found)}")


@cache
def _say_once(message: str) -> None:
    """Say what was assumed about a file when it is first read, and not again for the next reader."""
    say(message)


def _check_rows(
    rows: Iterable[ReadRow], names: Sequence[str], *, has_header: bool, file: TextFile
) -> Iterator[ReadRow]:
    """Yield the rows that are not blank, with a flaw if they do not have the columns of the table."""
    width, owner = len(names), "header" if has_header else "first row"
    for row in rows:
        fields = row.values
        if width > 1 and len(fields) == 1 and fields[0].isspace():
            continue
        flaw = row.flaw
        if not flaw and len(fields) != width:
            flaw = (
                f"{len(fields)} fields where the {owner} has {width}; quote fields that contain the separator"
            )
        if not flaw and file.may_be_damaged:
            flaw = why_undecoded("".join(fields))
        yield row._replace(flaw=flaw) if flaw else row


def take_rows(rows: Iterable[ReadRow], width: int, budget: Budget) -> Iterator[ReadRow]:
    """Yield rows, and take their values: as many as there are columns, also for a row that has fewer."""
    for row in rows:
        budget.take(values=max(width, len(row.values)))
        yield row


def columns_of_fields(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return rows that have a field for each name as columns."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(names)
    return dict(zip(names, columns, strict=True))
