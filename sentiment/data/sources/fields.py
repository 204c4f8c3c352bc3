"""Split lines into rows of fields, with quotes as csv has them, as tsv has them, or without any."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator

from sentiment.data.sources.budget import MOST_CHARACTERS, require_short
from sentiment.data.sources.table import ReadRow
from sentiment.errors import DataError

MOST_LINES = 1_000  # a quote in a tsv file that is not closed within so many lines is a character
QUOTED = re.compile(r'"((?:[^"]|"")*+)"(?=\t|\Z)')
UNCLOSED = re.compile(r'"(?:[^"]|"")*+\Z')
STILL_OPEN = re.compile(r'(?:[^"]|"")*+\Z')  # a line that does not close the quote of an earlier one


def split_rows(
    lines: Iterable[str], *, separator: str, quoting: str, origin: str, first_line: int = 1
) -> Iterator[ReadRow]:
    """Yield each row that is not blank with the line it begins in.

    In csv a quoted field may span lines, and a stray quote is a flaw. In tsv a field is quoted only if it
    begins and ends with a quote; any other quote is a character. With `quoting` "none" every quote is one.
    """
    if quoting == "none":
        return _split_plain(lines, separator, first_line)
    if separator == "\t":
        return _split_tabs(lines, first_line)
    return _split_csv(lines, separator, origin, first_line)


def _split_plain(lines: Iterable[str], separator: str, first_line: int) -> Iterator[ReadRow]:
    for number, line in enumerate(lines, start=first_line):
        if text := line.rstrip("\r\n"):
            yield ReadRow(number, text.split(separator))


# --- csv -----------------------------------------------------------------------------------------------


def _split_csv(lines: Iterable[str], separator: str, origin: str, first_line: int) -> Iterator[ReadRow]:
    """Yield rows of csv; a line without quotes is one field if the first row is one.

    Raises DataError if a quote is never closed: the rest of the file would be in its field.
    """
    csv.field_size_limit(2**31 - 1)
    source = _Numbered(lines, first_line - 1, origin)
    reader = csv.reader(source, delimiter=separator, strict=True)
    width = 0
    while True:
        line = source.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if source.is_exhausted:
                raise DataError(f"{origin}, line {line}: {error}; check the quotes") from None
            yield ReadRow(line, [], f"{error}; check the quotes")
            continue
        if row:
            width = width or len(row)
            if width == 1 and len(row) > 1 and '"' not in source.last:
                row = [source.last.rstrip("\r\n")]
            yield ReadRow(line, row)


class _Numbered:
    """Lines that know the last one that was read, and its number."""

    def __init__(self, lines: Iterable[str], number: int, origin: str) -> None:
        self._lines = iter(lines)
        self._origin = origin
        self.number = number
        self._first, self._length = number, 0  # the line in which the row begins, and its characters so far
        self.last = ""
        self.is_exhausted = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            self.last = next(self._lines)
        except StopIteration:
            self.is_exhausted = True
            raise
        self.number += 1
        self._length += len(self.last)
        if self._length > MOST_CHARACTERS:
            require_short(self._length, f"{self._origin}, line {self._first}", "row")
        return self.last

    def begin_row(self) -> int:
        """Return the number of the line that comes next, in which a row begins."""
        self._first, self._length = self.number + 1, 0
        return self._first


# --- tsv -----------------------------------------------------------------------------------------------


def _split_tabs(lines: Iterable[str], first_line: int) -> Iterator[ReadRow]:
    """Yield rows of tsv; the first row tells how many fields a row has."""
    waiting: deque[str] = deque()
    source = iter(lines)
    number, width = first_line, 0
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        text = line.rstrip("\r\n")
        taken = 1
        fields = text.split("\t")
        if '"' in text:
            fields, taken = _split_quoted(line, waiting, source, width)
        if text:
            yield ReadRow(number, fields)
            width = width or len(fields)
        number += taken


def _split_quoted(line: str, waiting: deque[str], source: Iterator[str], width: int) -> tuple[list[str], int]:
    """Return the fields of a row that begins with `line`, and how many lines it takes.

    Lines after the first that belong to the row are taken from `waiting`, which is filled from `source`.
    """
    fields, taken = _split_text(line, 1, waiting, source)
    if taken == 1:
        return fields, taken
    spanned = [line, *(waiting[index] for index in range(taken - 1))]
    plain = [text.rstrip("\r\n").split("\t") for text in spanned]
    if width > 1 and all(len(row) == width for row in plain):
        # Each line is a row by itself: two fields that begin and end with a stray quote look like one.
        return _split_text(line, 1, deque(), iter(()))
    for _ in range(taken - 1):
        waiting.popleft()
    return fields, taken


def _split_text(text: str, taken: int, waiting: deque[str], source: Iterator[str]) -> tuple[list[str], int]:
    """Split a row whose fields may be quoted, looking at further lines while a quote is not closed."""
    fields: list[str] = []
    position = 0
    while True:
        row = text.rstrip("\r\n")
        if row.startswith('"', position):
            longer, lines = _close_quote(text, position, taken, waiting=waiting, source=source)
            found = QUOTED.match(longer.rstrip("\r\n"), position)
            if found is not None:
                text, taken = longer, lines
                row = text.rstrip("\r\n")
                fields.append(found[1].replace('""', '"'))
                position = found.end() + 1
                if found.end() == len(row):
                    return fields, taken
                continue
        end = row.find("\t", position)
        fields.append(row[position:] if end < 0 else row[position:end])
        if end < 0:
            return fields, taken
        position = end + 1


def _close_quote(
    text: str, position: int, taken: int, *, waiting: deque[str], source: Iterator[str]
) -> tuple[str, int]:
    """Return the text with as many further lines as it takes to close the quote at `position`."""
    lines, length = [text], len(text)
    is_open = UNCLOSED.match(text, position)
    while is_open and taken <= MOST_LINES and length <= MOST_CHARACTERS:
        if len(waiting) < taken:
            line = next(source, None)
            if line is None:
                break
            waiting.append(line)
        lines.append(waiting[taken - 1])
        is_open = STILL_OPEN.match(lines[-1])
        length += len(lines[-1])
        taken += 1
    return "".join(lines), taken
