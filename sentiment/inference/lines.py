"""Read the reviews to predict from a file, stdin or a list; an error names the place of its review."""

import io
import itertools
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sentiment.config import DataSettings
from sentiment.data.columns import Columns, choose_columns
from sentiment.data.labels import read_known_labels
from sentiment.data.sources.files import TEXT_ENDING, file_ending, is_read_by_ending, stream_table
from sentiment.data.sources.json_files import parse_object
from sentiment.data.sources.table import SKIP_HINT, Row, Table, join_tables
from sentiment.data.sources.text_files import find_encoding
from sentiment.data.text import shorten, why_unreadable
from sentiment.errors import DataError
from sentiment.inference.pipes import PipeLines
from sentiment.system.console import say

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A review to predict."""

    where: str
    """What an error calls its place."""
    text: str
    label: str | None = None
    """The name of the right class, if the file has it."""
    problem: str = ""
    """Why there is no text, and where; empty if there is one."""


class LineStream(Iterator[Line]):
    """Reviews as they are read."""

    def __init__(self, lines: Iterator[Line], pipe: PipeLines | None = None) -> None:
        self._lines = lines
        self._pipe = pipe

    def __next__(self) -> Line:
        return next(self._lines)

    def is_idle(self) -> bool:
        """Whether they come from a pipe or a terminal which pauses, so that the next one may take long."""
        return self._pipe is not None and self._pipe.is_idle()


def read_lines(name: str, columns: DataSettings) -> LineStream:
    """Read each review of a file, `-` for stdin; raises DataError at the first bad one.

    A table has a review per row, a .jsonl file a review per line that is not blank; `columns` names the
    columns of text and label. Any other file has a review per line, in UTF-8 unless it ends in .txt.
    """
    path = Path(name)
    ending = path.suffix.lower()
    if name == "-":
        if sys.stdin is None:
            raise DataError("stdin is closed; name a file instead of -")
        return _read_text(sys.stdin.buffer, "stdin", None)
    is_empty_text = file_ending(path) == TEXT_ENDING and not (path.is_file() and path.stat().st_size)
    try:
        is_read_as_text = ending == ".jsonl" and not _is_in_another_encoding(path, columns)
        if is_read_by_ending(path) and not is_read_as_text and not is_empty_text:
            return LineStream(_read_rows(path, columns))
        return _read_text(path.open("rb"), name, columns if ending == ".jsonl" else None)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def number_texts(texts: Iterable[str]) -> Iterator[Line]:
    """Yield texts with the places review 1, review 2 and so on."""
    return (Line(f"review {place}", text) for place, text in enumerate(texts, start=1))


def check_lines(lines: Iterable[Line], remedy: str = "remove it or give it some text") -> Iterator[Line]:
    """Yield the lines again; raises DataError at the first whose text is empty, unreadable or not a text."""
    for line in lines:
        if problem := _find_problem(line):
            raise DataError(f"{problem}; {remedy}")
        yield line


def skip_bad_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines that `check_lines` accepts; at the end, say how many others there are."""
    bad: list[str] = []
    for line in lines:
        if problem := _find_problem(line):
            bad.append(problem)
        else:
            yield line
    if bad:
        say(f"left out {len(bad):,} reviews: {', '.join(bad[:3])}{', ...' if len(bad) > 3 else ''}")


def _find_problem(line: Line) -> str:
    """Return what is wrong with a line, and where; nothing if it can be predicted."""
    flaw = why_unreadable(line.text) if isinstance(line.text, str) else "is no text"
    return line.problem or (f"{line.where} {flaw}" if flaw else "")


def _is_in_another_encoding(path: Path, columns: DataSettings) -> bool:
    """Return whether a file is not UTF-8, by the settings or its bytes; a pipe counts as UTF-8."""
    return path.is_file() and find_encoding(path, columns).encoding not in ("utf-8", "utf-8-sig")


def _read_rows(path: Path, columns: DataSettings) -> Iterator[Line]:
    pieces = stream_table(path, columns)
    first = next(pieces)
    whole = itertools.chain([first], pieces)
    # Texts without labels need not be in memory at once.
    for table in whole if first.layout.format == "text" else [join_tables(whole)]:
        yield from _read_table(table, columns)


def _read_table(table: Table, columns: DataSettings) -> Iterator[Line]:
    if not columns.skip_bad_rows:
        table.require_readable_rows()
    elif table.bad_rows:
        say(
            f"left out {len(table.bad_rows):,} rows that cannot be read, the first: {table.bad_rows[0].place}"
        )
    chosen = choose_columns(
        list(table.columns), columns, origin=table.origin, needs_label=False, values=table.columns
    )
    if chosen.note is not None:
        say(chosen.note)
    texts = table.columns[chosen.text]
    labels = _name_labels(table, chosen.label, columns)
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        yield Line(table.place(row), text, label)


def _name_labels(table: Table, column: str | None, columns: DataSettings) -> list[str | None]:
    """Return the right label of each row, negative or positive, as far as it is known."""
    if column is None:
        return [None] * len(next(iter(table.columns.values())))
    return read_known_labels(table.columns[column], columns, table.classes.get(column, ()))


def _read_text(file: BinaryIO, name: str, columns: DataSettings | None) -> LineStream:
    """Read a review per line, or with `columns` an object of JSON."""
    pipe = _open_pipe(file)
    lines = _decode_lines(_read_to_end(file, pipe or file, name), name)
    return LineStream(lines if columns is None else _parse_objects(lines, columns), pipe)


def _open_pipe(file: BinaryIO) -> PipeLines | None:
    """Return the lines of a pipe or a terminal; None for any other file."""
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:  # a file in memory
        return None
    mode = os.fstat(descriptor).st_mode
    return PipeLines(descriptor) if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode) else None


def _read_to_end(file: BinaryIO, lines: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the lines of a file, then close it."""
    try:
        with nullcontext() if name == "stdin" else file:
            yield from lines
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def _decode_lines(lines: Iterable[bytes], name: str) -> Iterator[Line]:
    for place, line in enumerate(lines, start=1):
        where = f"{name}, line {place}"
        if place == 1 and line.startswith(UTF16_MARKS):
            raise DataError(f"{name} is UTF-16; convert it to UTF-8, for example with iconv -f utf-16")
        try:
            yield Line(where, line.decode("utf-8-sig" if place == 1 else "utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8 (byte {error.start + 1} of the line)") from None


def _parse_objects(lines: Iterable[Line], columns: DataSettings) -> Iterator[Line]:
    """Yield the review of each line that is not blank."""
    chosen: Columns | None = None
    for line in lines:
        if not line.text.strip():
            continue
        try:
            record = parse_object(line.text, line.where)
        except DataError as error:
            yield _bad_line(line.where, f"{error}", columns)
            continue
        if chosen is None:
            chosen = _choose_keys(record, columns, line.where)
        text = record.get(chosen.text)
        if not isinstance(text, str):
            problem = f"{line.where}: {shorten(chosen.text)} is no text; mend the row"
            yield _bad_line(line.where, problem, columns)
            continue
        (label,) = read_known_labels([record.get(chosen.label) if chosen.label else None], columns)
        yield Line(line.where, text, label)


def _bad_line(where: str, problem: str, columns: DataSettings) -> Line:
    """Return a line without a text if bad rows are left out; raises DataError otherwise."""
    if not columns.skip_bad_rows:
        raise DataError(f"{problem}, {SKIP_HINT}")
    return Line(where, "", problem=problem.partition("; ")[0])


def _choose_keys(record: Row, columns: DataSettings, where: str) -> Columns:
    """Return the keys of text and label in the first object of a file."""
    values = {name: [value] for name, value in record.items()}
    chosen = choose_columns(list(record), columns, origin=where, needs_label=False, values=values)
    if chosen.note is not None:
        say(chosen.note)
    return chosen
