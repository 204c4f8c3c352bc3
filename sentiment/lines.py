"""Read reviews line by line from a file or stdin; each is a review or a clean error that names its line."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sentiment.data.tokens import why_unreadable
from sentiment.errors import DataError

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_lines(name: str) -> Iterator[tuple[str, str]]:
    """Yield (where, text) for each line of a UTF-8 file, `-` for stdin; raises DataError at a bad one.

    A line is a review; in a file whose name ends in .jsonl it is a JSON object with a review as its `text`.
    """
    if name == "-":
        if sys.stdin is None:
            raise DataError("stdin is closed; name a file instead of -")
        yield from _decode(sys.stdin.buffer, "stdin")
        return
    try:
        with Path(name).open("rb") as file:
            lines = _decode(file, name)
            yield from map(_take_text, lines) if name.endswith(".jsonl") else lines
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from None


def check_reviews(reviews: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Pass texts on; raise DataError at one that cannot be read."""
    for where, text in reviews:
        if flaw := why_unreadable(text):
            raise DataError(f"{where} {flaw}; every review needs some text")
        yield text


def _decode(lines: Iterable[bytes], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        if number == 1 and line.startswith(UTF16_MARKS):
            raise DataError(f"{name} is UTF-16; convert it to UTF-8, e.g. with iconv -f utf-16")
        try:
            yield where, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8 (byte {error.start + 1} of the line)") from None


def _take_text(line: tuple[str, str]) -> tuple[str, str]:
    where, content = line
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise DataError(f"{where} is no JSON object with a text")
    return where, record["text"]
