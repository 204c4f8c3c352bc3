"""Reviews to predict, from a file, stdin or a list; each is a text or a clean error that names its place."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sentiment.config import DataSettings
from sentiment.data.reviews import FILE_ENDINGS, parse_object, read_label, read_table
from sentiment.data.tokens import why_unreadable
from sentiment.errors import DataError

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A review to predict."""

    where: str
    """What an error calls it."""
    text: str
    label: str | None = None
    """The right label, where the file has one: positive or negative."""


def read_lines(name: str, columns: DataSettings) -> Iterator[Line]:
    """Yield each review of a UTF-8 file, `-` for stdin; raises DataError at a bad one.

    A line is a review; in a file whose name ends in .jsonl it is a JSON object, and a table (.csv, .tsv,
    .json, .parquet) has one a row. `columns` names what holds text and label there.
    """
    if name == "-":
        if sys.stdin is None:
            raise DataError("stdin is closed; name a file instead of -")
        yield from _decode(sys.stdin.buffer, "stdin")
        return
    ending = Path(name).suffix.lower()
    if ending != ".jsonl" and ending in FILE_ENDINGS:
        table = read_table(Path(name))
        texts = table.column(columns.text_column)
        labels = table.columns.get(columns.label_column, [None] * len(texts))
        for row, (text, label) in enumerate(zip(texts, labels, strict=True), table.first_row):
            yield Line(f"{name}, row {row}", text, _label(label))
        return
    try:
        with Path(name).open("rb") as file:
            lines = _decode(file, name)
            yield from (_parse(line, columns) for line in lines) if ending == ".jsonl" else lines
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def number_texts(texts: Iterable[str]) -> Iterator[Line]:
    """Call texts review 1, review 2 and so on."""
    return (Line(f"review {place}", text) for place, text in enumerate(texts, start=1))


def check_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Pass lines on; raise DataError at one whose text cannot be read, whatever a caller from Python gave."""
    for line in lines:
        flaw = why_unreadable(line.text) if isinstance(line.text, str) else "is no text"
        if flaw:
            raise DataError(f"{line.where} {flaw}; remove it or give it some text")
        yield line


def _decode(lines: Iterable[bytes], name: str) -> Iterator[Line]:
    for place, line in enumerate(lines, start=1):
        where = f"{name}, line {place}"
        if place == 1 and line.startswith(UTF16_MARKS):
            raise DataError(f"{name} is UTF-16; convert it to UTF-8, e.g. with iconv -f utf-16")
        try:
            yield Line(where, line.decode("utf-8-sig" if place == 1 else "utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8 (byte {error.start + 1} of the line)") from None


def _parse(line: Line, columns: DataSettings) -> Line:
    if not line.text.strip():
        return line
    record = parse_object(line.text, line.where)
    text = record.get(columns.text_column)
    if not isinstance(text, str):
        raise DataError(f"{line.where}: {columns.text_column} is no text")
    return Line(line.where, text, _label(record.get(columns.label_column)))


def _label(value: Any) -> str | None:
    label = read_label(value)
    return None if label is None else ("negative", "positive")[label]
