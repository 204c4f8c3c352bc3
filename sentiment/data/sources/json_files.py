"""Read objects of JSON: one a line, or a list of them."""

import json
from collections.abc import Iterator
from typing import Any

from sentiment.data.sources.table import Layout, ReadRow, Row, Table, TableMaker, columns_of_objects
from sentiment.data.sources.text_files import TextFile, why_undecoded
from sentiment.data.text import shorten
from sentiment.errors import DataError


class _RepeatedKeyError(ValueError):
    """An object has one key twice."""


def parse_object(line: str, place: str) -> Row:
    """Parse a JSON object without repeated keys; raises DataError that begins with `place`."""
    row, flaw = _parse_line(line)
    if flaw:
        raise DataError(f"{place}: {flaw}")
    found: Row = row
    return found


def stream_json_lines(file: TextFile) -> Iterator[Table]:
    """Yield tables of a file with an object per line; a blank line is no row."""
    layout = Layout("jsonl", encoding=file.encoding)
    yield from TableMaker(file.origin, layout, columns_of_objects).cut(_read_lines(file))


def stream_json(file: TextFile) -> Iterator[Table]:
    """Yield tables of a list of objects, or of an object per line in a file called `.json`."""
    with file.open() as stream:
        text = stream.read()
    if text.lstrip()[:1] != "[":
        yield from stream_json_lines(file)
        return
    try:
        found = json.loads(text, object_pairs_hook=_unique_keys)
    except _RepeatedKeyError as error:
        raise DataError(f"{file.origin}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file.origin} is not JSON: {error}") from None
    rows = (ReadRow(number, row, _why_no_object(row)) for number, row in enumerate(found, start=1))
    layout = Layout("json", encoding=file.encoding)
    yield from TableMaker(file.origin, layout, columns_of_objects, unit="row").cut(rows)


def _read_lines(file: TextFile) -> Iterator[ReadRow]:
    with file.open() as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            flaw = why_undecoded(line) if file.may_be_damaged else ""
            row = line
            if not flaw:
                row, flaw = _parse_line(line)
            yield ReadRow(number, row, flaw)


def _parse_line(line: str) -> tuple[Any, str]:
    """Return what a line holds, and why it is no object, if it is none."""
    try:
        row = json.loads(line, object_pairs_hook=_unique_keys)
    except _RepeatedKeyError as error:
        return line, str(error)
    except (ValueError, RecursionError) as error:
        return line, f"not JSON ({error}); write one object per line"
    return row, _why_no_object(row)


def _why_no_object(row: Any) -> str:
    return "" if isinstance(row, dict) else "not an object with text and label"


def _unique_keys(items: list[tuple[str, Any]]) -> Row:
    row = dict(items)
    if len(row) < len(items):
        names = [name for name, _ in items]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKeyError(f"two keys are called {shorten(repeated)}; rename or remove one")
    return row
