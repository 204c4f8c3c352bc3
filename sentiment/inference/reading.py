"""Read the reviews to predict from a table, a text file or a pipe, one by one, in their order."""

import io
import itertools
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sentiment.config import DataSettings
from sentiment.data.columns import Columns, choose_columns, is_usual
from sentiment.data.labels import read_known_labels
from sentiment.data.sources.budget import MOST_CHARACTERS, require_short
from sentiment.data.sources.files import TEXT_ENDING, is_read_by_ending
from sentiment.data.sources.json_files import parse_object
from sentiment.data.sources.table import Row
from sentiment.data.sources.text_lines import OBJECTS
from sentiment.data.text import why_unusable
from sentiment.errors import DataError, UsageError
from sentiment.inference.lines import Line
from sentiment.inference.pieces import read_table_lines
from sentiment.inference.pipes import PipeLines
from sentiment.system.console import say

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OBJECT_ENDINGS = (".jsonl", ".ndjson")


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


def refuse_input(option: str, path: Path, name: str | None) -> None:
    """Raise UsageError if `path`, which an option wants to write, is the file that is read as `name`.

    It may be the same file under another name, or, if the name is `-`, the one that stdin reads.
    """
    try:
        is_read = name is not None and os.path.samestat(path.stat(), _stat_input(name))
    except (OSError, ValueError):  # one of them is no file
        return
    if is_read:
        raise UsageError(f"{option} {path} is the file that is read; choose another name")


def _stat_input(name: str) -> os.stat_result:
    if name != "-":
        return Path(name).stat()
    if sys.stdin is None:
        raise FileNotFoundError("stdin is closed")
    return os.fstat(sys.stdin.fileno())


def read_lines(name: str, settings: DataSettings, *, as_table: bool = False) -> LineStream:
    """Read each review of a file, `-` for stdin; one that cannot be predicted is there with its flaw.

    A table has a review per row; `settings` name its columns. Any other file has a review per line, in UTF-8
    unless it ends in .txt. A pipe may have objects of JSON instead, but not `as_table`: only their texts are
    read. Raises DataError if the file cannot be read.
    """
    if name == "-":
        if sys.stdin is None:
            raise DataError("stdin is closed; name a file instead of -")
        return _read_stream(sys.stdin.buffer, "stdin", settings, as_table=as_table)
    path = Path(name)
    try:
        if is_read_by_ending(path) and not _is_pipe_of_lines(path):
            return LineStream(read_table_lines(path, settings))
        if path.is_file() and path.stat().st_size == 0:
            raise DataError(f"{name} is empty; add reviews to it")
        return _read_stream(path.open("rb"), name, settings, as_table=as_table)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def _is_pipe_of_lines(path: Path) -> bool:
    is_of_lines = path.suffix.lower() in (TEXT_ENDING, *OBJECT_ENDINGS)
    return is_of_lines and path.exists() and not path.is_file()


def _read_stream(file: BinaryIO, name: str, settings: DataSettings, *, as_table: bool) -> LineStream:
    pipe = _open_pipe(file, name)
    lines = _decode_lines(_read_to_end(file, pipe or _read_short_lines(file, name), name), name)
    return LineStream(_read_reviews(lines, name, settings, as_table=as_table), pipe)


def _open_pipe(file: BinaryIO, name: str) -> PipeLines | None:
    """Return the lines of a pipe or a terminal; None for any other file."""
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:  # a file in memory
        return None
    mode = os.fstat(descriptor).st_mode
    return (
        PipeLines(descriptor, name)
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
        else None
    )


def _read_short_lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the lines of a file; raises DataError if one is too long, before it is read whole."""
    for number, line in enumerate(iter(partial(file.readline, MOST_CHARACTERS + 1), b""), start=1):
        if len(line) > MOST_CHARACTERS:
            require_short(len(line), f"{name}, line {number},", "line")
        yield line


def _read_to_end(file: BinaryIO, lines: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the lines of a file, then close it."""
    try:
        with nullcontext() if name == "stdin" else file:
            yield from lines
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def _decode_lines(lines: Iterable[bytes], name: str) -> Iterator[Line]:
    """Yield each line as a text; one that is not UTF-8 keeps its bytes as halves of surrogate pairs."""
    for place, line in enumerate(lines, start=1):
        if place == 1 and line.startswith(UTF16_MARKS):
            raise DataError(f"{name} is UTF-16; convert it to UTF-8, for example with iconv -f utf-16")
        encoding, where = "utf-8-sig" if place == 1 else "utf-8", f"{name}, line {place}"
        try:
            text = line.decode(encoding).rstrip("\r\n")
            yield Line(where, text, flaw=why_unusable(text))
        except UnicodeDecodeError as error:
            text = line.decode(encoding, "surrogateescape").rstrip("\r\n")
            yield Line(where, text, flaw=f"not UTF-8 (byte {error.start + 1} of the line)")


def _read_reviews(
    lines: Iterator[Line], name: str, settings: DataSettings, *, as_table: bool
) -> Iterator[Line]:
    """Yield each line as a review, or the text of each object if the first line is an object of JSON."""
    first = next(lines, None)
    if first is None:
        return
    lines = itertools.chain([first], lines)
    if parse_object(first.text)[1] and not name.lower().endswith(OBJECT_ENDINGS):
        yield from lines
        return
    if as_table:
        raise DataError(f"{name} has {OBJECTS}; save it as a .jsonl file and name that, to keep every key")
    say(f"{name}: assuming {OBJECTS}")
    yield from _read_objects(lines, settings)


def _read_objects(lines: Iterable[Line], settings: DataSettings) -> Iterator[Line]:
    """Yield the review of each line that is not blank; the first object tells the columns."""
    chosen: Columns | None = None
    for line in lines:
        if not line.text.strip():
            continue
        row, flaw = parse_object(line.text)
        if line.flaw or flaw:
            yield line._replace(flaw=line.flaw or flaw)
            continue
        chosen = chosen or _choose_keys(row, settings, line.where)
        text = row.get(chosen.text)
        (label,) = read_known_labels([row.get(chosen.label) if chosen.label else None], settings)
        yield Line(line.where, text, label, why_unusable(text))


def _choose_keys(row: Row, settings: DataSettings, where: str) -> Columns:
    """Return the keys of text and label in the first object of a file."""
    values = {name: [value] for name, value in row.items()}
    needs_label = not is_usual(settings.label_column)
    chosen = choose_columns(list(row), settings, origin=where, needs_label=needs_label, values=values)
    if chosen.note is not None:
        say(chosen.note)
    return chosen
