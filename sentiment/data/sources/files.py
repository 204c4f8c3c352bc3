"""Read one file of reviews: csv, tsv, json, jsonl or parquet."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sentiment.data.sources.table import Row, Table, table_of_rows
from sentiment.data.text import shorten
from sentiment.errors import DataError

FILE_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".parquet")


def read_table(path: Path) -> Table:
    """Read a file with one of `FILE_ENDINGS`; raises DataError that says what is wrong and where."""
    readers: dict[str, Callable[[Path], Table]] = {
        ".csv": partial(_read_separated, delimiter=","),
        ".tsv": partial(_read_separated, delimiter="\t"),
        ".jsonl": _read_json_lines,
        ".json": _read_json,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown ending; rename the file to end in one of {', '.join(FILE_ENDINGS)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; add reviews to it")
        return reader(path)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte {error.start}); convert it, for example with iconv"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def parse_object(line: str, place: str) -> Row:
    """Parse a JSON object without repeated keys; raises DataError that begins with `place`."""
    try:
        row = json.loads(line, object_pairs_hook=partial(_unique_keys, place))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: not JSON ({error}); write one object per line") from None
    return _require_object(row, place)


# --- csv and tsv ---------------------------------------------------------------------------------------


def _read_separated(path: Path, delimiter: str) -> Table:
    """Read csv or tsv with a header; every row must have as many fields as the header."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        numbered = _rows_with_lines(file, delimiter, path)
        _, header = next(numbered, (1, []))
        _require_unique_columns(header, path)
        rows, lines = [], []
        for line, row in numbered:
            if len(header) > 1 and len(row) == 1 and row[0].isspace():
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path}, line {line}: {len(row)} fields where the header has {len(header)}; "
                    "quote fields that contain the separator"
                )
            rows.append(row)
            lines.append(line)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return Table(str(path), dict(zip(header, columns, strict=True)), lines)


def _rows_with_lines(file: TextIO, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line it begins in; a quoted field may span lines."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}, line {line}: {error}; check the quotes") from None


def _require_unique_columns(names: Sequence[str], path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: two columns are called {shorten(repeated[0])}; rename or remove one")


# --- json ----------------------------------------------------------------------------------------------


def _read_json_lines(path: Path) -> Table:
    """Read a JSON object per line; a blank line is no row."""
    rows, lines = [], []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(parse_object(line, f"{path}, line {number}"))
                lines.append(number)
    return table_of_rows(str(path), rows, lines)


def _read_json(path: Path) -> Table:
    """Read a list of objects, or an object per line in a file called `.json`."""
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip()[:1] != "[":
        return _read_json_lines(path)
    try:
        rows = json.loads(text, object_pairs_hook=partial(_unique_keys, str(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    return table_of_rows(
        str(path), [_require_object(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]
    )


def _require_object(row: Any, place: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"{place}: not an object with text and label")
    return row


def _unique_keys(place: str, items: list[tuple[str, Any]]) -> Row:
    row = dict(items)
    if len(row) < len(items):
        names = [name for name, _ in items]
        repeated = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{place}: two keys are called {shorten(repeated)}; rename or remove one")
    return row


# --- parquet -------------------------------------------------------------------------------------------


def _read_parquet(path: Path) -> Table:
    import pyarrow.lib
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _require_unique_columns(names, path)
            columns: dict[str, list[Any]] = {name: [] for name in names}
            for batch in file.iter_batches():
                for name in names:
                    columns[name] += batch[name].to_pylist()
    except (pyarrow.lib.ArrowInvalid, OSError) as error:
        reason = " ".join(str(error).splitlines()[:1])
        raise DataError(f"{path} is not a complete parquet file: {reason}; copy it again") from None
    return Table(str(path), dict(columns))
