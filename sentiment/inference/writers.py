"""Write a table with predictions piece by piece: csv and tsv, JSON lines, or parquet."""

import codecs
import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sentiment.data.sources.arrow_files import open_parquet_batches
from sentiment.data.sources.table import Layout
from sentiment.data.sources.text_files import TextFile
from sentiment.errors import DataError
from sentiment.inference.pieces import Piece

Columns = Mapping[str, Sequence[Any]]


class TableWriter(Protocol):
    """Writes the rows of a table with further columns at their end."""

    def write(self, piece: Piece, added: Columns) -> None:
        """Write some rows; `added` are the further columns."""


# --- csv and tsv ---------------------------------------------------------------------------------------


class SeparatedWriter:
    """Writes csv or tsv; a value that is not text is written as JSON writes it."""

    def __init__(self, file: BinaryIO, layout: Layout, *, line_end: str = "\n", quotes: bool = True) -> None:
        """Write as `layout` says; without `quotes`, a separator in an added column becomes a space."""
        self._file = file
        self._layout = layout
        self._encoder = codecs.getincrementalencoder(layout.encoding)()
        self._line_end = line_end
        self._quotes = quotes
        self._parts: list[str] = []
        # csv quotes a lone carriage return only if it ends lines with one, so the end is changed afterwards.
        self._writer = csv.writer(
            _RowSink(self._parts, line_end),
            delimiter=layout.separator,
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
            quotechar='"' if quotes else None,
        )
        self._has_begun = False

    def write(self, piece: Piece, added: Columns) -> None:
        """Write some rows, before the first ones the header.

        Raises DataError if the encoding lacks a character.
        """
        if not self._has_begun and self._layout.has_header:
            self._writer.writerow([*piece.columns, *added])
        self._has_begun = True
        columns = [list(map(_cell, values)) for values in piece.columns.values()]
        further = [list(map(self._added_cell, values)) for values in added.values()]
        self._writer.writerows(zip(*columns, *further, strict=True))
        text = "".join(self._parts)
        self._parts.clear()
        self._file.write(self._encode(text, piece))

    def _added_cell(self, value: Any) -> str:
        cell = _cell(value)
        return cell if self._quotes else cell.replace(self._layout.separator, " ")

    def _encode(self, text: str, piece: Piece) -> bytes:
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            if not self._layout.encoding.startswith("utf"):
                raise DataError(
                    f"{piece.places[0]} or a later row has a character that {self._layout.encoding} cannot "
                    f"write ({error.object[error.start]!a}); add --encoding utf-8"
                ) from None
        # Bytes that are not UTF-8 stay as they were; half of a surrogate pair cannot be written.
        return (
            self._encoder.encode(_without_halves(text)) if "16" in self._layout.encoding else _restore(text)
        )


class _RowSink:
    """Takes the rows of a csv writer, and changes their ends."""

    def __init__(self, parts: list[str], line_end: str) -> None:
        self._parts = parts
        self._line_end = line_end

    def write(self, row: str) -> None:
        self._parts.append(row[:-2] + self._line_end)


def find_line_end(path: Path, encoding: str) -> str:
    """Return how the first line of a text file ends: `\\r\\n` or `\\n`."""
    with TextFile(path, encoding, may_be_damaged=True).open() as stream:
        return "\r\n" if stream.readline().endswith("\r\n") else "\n"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str).strip('"')


def _without_halves(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _restore(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _without_halves(text).encode()


# --- JSON lines ----------------------------------------------------------------------------------------


class JsonLinesWriter:
    """Writes an object per line; a line of JSON that was read keeps its bytes, and gets further keys."""

    def __init__(self, file: BinaryIO, raw_lines: Iterator[str] | None = None) -> None:
        """`raw_lines` are the lines of the file that is read, if it is one of JSON lines."""
        self._file = file
        self._raw_lines = raw_lines

    def write(self, piece: Piece, added: Columns) -> None:
        """Write some rows."""
        further = _rows_of(added)
        lines = self._copy_lines(piece, further) if self._raw_lines else self._make_lines(piece, further)
        self._file.write("".join(lines).encode("utf-8", "surrogateescape"))

    def _make_lines(self, piece: Piece, further: Iterable[dict[str, Any]]) -> Iterator[str]:
        for row, more in zip(_rows_of(piece.columns), further, strict=True):
            yield _json_text(row | more) + "\n"

    def _copy_lines(self, piece: Piece, further: Iterable[dict[str, Any]]) -> Iterator[str]:
        assert self._raw_lines is not None
        for row, more, flaw in zip(_rows_of(piece.columns), further, piece.flaws, strict=True):
            line = next(self._raw_lines)
            is_object = not flaw or _is_object(line)
            yield (_append_keys(line, more) if is_object else _json_text(row | more)) + "\n"


def read_raw_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a file that are not blank, without their ends."""
    with TextFile(path, encoding, may_be_damaged=True).open() as stream:
        for line in stream:
            if text := line.strip():
                yield text


def _append_keys(line: str, more: dict[str, Any]) -> str:
    inside = line.rstrip()[:-1].rstrip()
    return f"{inside}{'' if inside == '{' else ', '}{_json_text(more)[1:]}"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _rows_of(columns: Columns) -> Iterator[dict[str, Any]]:
    return (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _json_text(row: dict[str, Any]) -> str:
    """Return a row as JSON, which has no word for NaN: it becomes null."""
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            row = row | {name: None}
    text = json.dumps(row, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(row, default=str)
    return text


# --- parquet -------------------------------------------------------------------------------------------


class ParquetWriter:
    """Writes parquet; the columns of a parquet file that is read keep their types and their metadata."""

    def __init__(self, writer: Any, schema: Any, batches: Iterator[Any] | None = None) -> None:
        """`schema` has all columns, the added ones at its end; `batches` are those of a parquet file."""
        self._writer = writer
        self._schema = schema
        self._batches = batches

    def write(self, piece: Piece, added: Columns) -> None:
        """Write some rows."""
        import pyarrow

        if not piece.texts:
            return
        types = self._schema.types
        arrays = (
            next(self._batches).columns
            if self._batches is not None
            else [
                _make_array(values, kind) for values, kind in zip(piece.columns.values(), types, strict=False)
            ]
        )
        further = [
            pyarrow.array(values, kind)
            for values, kind in zip(added.values(), types[-len(added) :], strict=True)
        ]
        self._writer.write_batch(pyarrow.RecordBatch.from_arrays([*arrays, *further], schema=self._schema))


@contextmanager
def open_parquet(
    file: BinaryIO, added: Sequence[str], *, source: Path | None = None, schema: Any = None
) -> Iterator[ParquetWriter]:
    """Yield a writer of the columns of `source`, a parquet file, or of `schema`, and the added ones."""
    import pyarrow
    import pyarrow.parquet

    with _open_batches(source, schema) as (whole, batches):
        for name, kind in zip(added, _added_types(len(added)), strict=True):
            whole = whole.append(pyarrow.field(name, kind))
        writer = pyarrow.parquet.ParquetWriter(_Unowned(file), whole)
        try:
            yield ParquetWriter(writer, whole, batches)
            writer.close()
        except BaseException:
            writer.is_open = False  # else it writes the end of the file when it is forgotten
            raise


class _Unowned:
    """A file that pyarrow cannot close."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, content: Any) -> int:
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        pass


def _added_types(count: int) -> list[Any]:
    """Return the types of a label, some figures and a doubt."""
    import pyarrow

    return [pyarrow.string(), *[pyarrow.float64()] * (count - 2), pyarrow.string()]


@contextmanager
def _open_batches(source: Path | None, schema: Any) -> Iterator[tuple[Any, Iterator[Any] | None]]:
    """Yield the schema and the batches of a parquet file; without one, only `schema`."""
    if source is None:
        yield schema, None
        return
    with open_parquet_batches(source) as found:
        yield found


def text_schema(names: Iterable[str]) -> Any:
    """Return a schema of text columns."""
    import pyarrow

    return pyarrow.schema([(name, pyarrow.string()) for name in names])


def find_schema(pieces: Iterable[Piece]) -> Any:
    """Return a schema that holds all values; a column without any is text.

    Raises DataError if a column has values of several types.
    """
    import pyarrow

    found: list[Any] = []
    for piece in pieces:
        fields = {name: _make_array(values, None).type for name, values in piece.columns.items()}
        found.append(pyarrow.schema(fields))
        try:
            found = [pyarrow.unify_schemas(found, promote_options="permissive")]
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise _mixed_types(error) from None
    return pyarrow.schema(
        [
            (field.name, pyarrow.string() if pyarrow.types.is_null(field.type) else field.type)
            for schema in found
            for field in schema
        ]
    )


def _make_array(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow

    try:
        return pyarrow.array(values, kind)
    except UnicodeEncodeError:
        return pyarrow.array(
            [_without_halves(value) if isinstance(value, str) else value for value in values], kind
        )
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
        raise _mixed_types(error) from None


def _mixed_types(error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:120]
    return DataError(f"parquet needs one type in a column ({reason}); write a .jsonl file instead")
