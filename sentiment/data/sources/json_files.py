"""Read objects of JSON: one a line, or a list of them."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sentiment.data.sources.budget import Budget
from sentiment.data.sources.separated import say_assumptions
from sentiment.data.sources.table import Layout, ReadRow, Row, Table, TableMaker, columns_of_objects
from sentiment.data.sources.text_files import TextFile, why_undecoded
from sentiment.data.text import shorten
from sentiment.errors import DataError

VALUE_MARKS = ",:[{"  # no value comes without one of them


class _RepeatedKeyError(ValueError):
    """An object has one key twice."""


def parse_object(line: str) -> tuple[Any, str]:
    """Return the object that a line holds; or the line or what it holds, and why that is no object."""
    try:
        row = DECODER.decode(line)
    except _RepeatedKeyError as error:
        return line, str(error)
    except (ValueError, RecursionError) as error:
        return line, f"not JSON ({error}); write one object per line"
    return row, _why_no_object(row)


def stream_json_lines(file: TextFile, assumption: str = "") -> Iterator[Table]:
    """Yield tables of a file with an object per line; a blank line is no row."""
    say_assumptions(file, assumption)
    layout = Layout("jsonl", encoding=file.encoding)
    yield from TableMaker(file.origin, layout, columns_of_objects).cut(_read_lines(file))


def stream_json(file: TextFile) -> Iterator[Table]:
    """Yield tables of a list of objects, of an object of columns, or of an object per line."""
    with file.open() as stream:
        budget = Budget(file.path)
        text = budget.read_text(stream)
    if file.is_packed:
        budget.take(values=_count_values(text))
    is_list = text.lstrip()[:1] == "["
    found = _read_list(text, file.origin) if is_list else _read_columns(text)
    if not is_list and not found:
        yield from stream_json_lines(file)
        return
    say_assumptions(file)
    rows = (ReadRow(number, row, _why_no_object(row)) for number, row in enumerate(found, start=1))
    layout = Layout("json", encoding=file.encoding)
    yield from TableMaker(file.origin, layout, columns_of_objects, unit="row").cut(rows)


def _read_lines(file: TextFile) -> Iterator[ReadRow]:
    with file.open() as stream:
        budget, is_packed = Budget(file.path), file.is_packed
        for number, line in enumerate(budget.read_lines(stream), start=1):
            if not line.strip():
                continue
            flaw = why_undecoded(line) if file.may_be_damaged else ""
            row = line
            if is_packed:
                budget.take(values=_count_values(line))
            if not flaw:
                row, flaw = parse_object(line)
            yield ReadRow(number, row, flaw)


def _count_values(text: str) -> int:
    """Return how many values a text has at most; in a plain file, its size is enough of a bound."""
    return sum(map(text.count, VALUE_MARKS))


def _why_no_object(row: Any) -> str:
    return "" if isinstance(row, dict) else "not an object with text and label"


def _read_list(text: str, origin: str) -> list[Any]:
    """Return the list that a file holds; raises DataError if it is broken."""
    try:
        found: list[Any] = DECODER.decode(text)
    except _RepeatedKeyError as error:
        raise DataError(f"{origin}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{origin} is not JSON: {error}") from None
    return found


def _read_columns(text: str) -> list[Any]:
    """Return the rows of a file that is one object; none if it is something else.

    The object has a list or an object of cells for each column, or one list of objects, or the names of the
    columns and a list of rows: pandas writes all of these.
    """
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, dict):
        return []
    if found.keys() <= {"columns", "index", "data"} and _has_rows_of(found.get("columns"), found.get("data")):
        return [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]
    columns = list(found.values())
    lists = [found["data"]] if found.keys() == {"schema", "data"} else columns
    if len(lists) == 1 and _is_list_of(dict, lists[0]):
        rows: list[Any] = lists[0]
        return rows
    if columns and all(isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns):
        columns = [list(column.values()) for column in columns]
    if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return []
    return [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]


def _has_rows_of(names: Any, rows: Any) -> bool:
    """Whether these are the names of columns and rows that have a cell for each."""
    return (
        _is_list_of(str, names)
        and len(set(names)) == len(names)
        and _is_list_of(list, rows)
        and all(len(row) == len(names) for row in rows)
    )


def _is_list_of(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _unique_keys(items: list[tuple[str, Any]]) -> Row:
    row = dict(items)
    if len(row) < len(items):
        names = [name for name, _ in items]
        repeated = next(name for name, count in Counter(names).items() if count > 1)
        raise _RepeatedKeyError(f"two keys are called {shorten(repeated)}; rename or remove one")
    return row


DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys)
