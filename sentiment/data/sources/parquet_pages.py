"""Read the headers of the pages of a parquet file, which say what the pages unpack to.

Format: https://parquet.apache.org/docs/file-format/, in the compact protocol of Thrift. Arrow unpacks no page
to more than its header says.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

DICTIONARY_PAGE = 2
DELTA_BYTE_ARRAY = 7  # an encoding: a value begins as the one before it
TRUE, FALSE, BYTE, DOUBLE, BINARY, STRUCT = 1, 2, 3, 7, 8, 12  # types of Thrift
INTEGERS = (4, 5, 6)
# Fields of a header. Each kind of page has its own part: the field of that, and the encoding in it.
KIND, SIZE, PACKED_SIZE = 1, 2, 3
HEADERS = {0: (5, 2), DICTIONARY_PAGE: (7, 2), 3: (8, 4)}
VALUES = 1


class Page(NamedTuple):
    """What the header of a page says."""

    size: int
    """Bytes when it is unpacked."""
    packed_size: int
    """Bytes in the file."""
    values: int
    is_dictionary: bool
    repeats: bool
    """Whether a value may be longer than the bytes that it has in the page."""


@contextmanager
def map_file(path: Path) -> Iterator[mmap.mmap]:
    """Yield the bytes of a file without reading them."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def read_pages(content: mmap.mmap | bytes, start: int, values: int) -> Iterator[Page]:
    """Yield the pages of a column from the position `start`, until they have so many values.

    Raises ValueError if there is no page where one must be.
    """
    found = 0
    while found < values:
        try:
            header, start = _read_struct(content, start)
            page = _page(header)
        except (IndexError, KeyError, TypeError, RecursionError):
            raise ValueError("a page has no header") from None
        if start < 0 or page.size < 0 or page.packed_size < 0 or page.values < 0:
            raise ValueError("a page has a negative size")
        yield page
        found += 0 if page.is_dictionary else page.values
        start += page.packed_size


def _page(header: dict[int, Any]) -> Page:
    kind, values, encoding = header[KIND], 0, 0
    if kind in HEADERS:
        field, place = HEADERS[kind]
        values, encoding = header[field][VALUES], header[field][place]
    is_dictionary = kind == DICTIONARY_PAGE
    repeats = is_dictionary or encoding == DELTA_BYTE_ARRAY
    return Page(header[SIZE], header[PACKED_SIZE], values, is_dictionary, repeats)


# --- Thrift --------------------------------------------------------------------------------------------


def _read_struct(content: mmap.mmap | bytes, start: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while head := content[start]:
        start += 1
        step, kind = head >> 4, head & 15
        if step:
            number += step
        else:
            number, start = _read_integer(content, start)
        fields[number], start = _read_value(content, start, kind)
    return fields, start + 1


def _read_value(content: mmap.mmap | bytes, start: int, kind: int) -> tuple[Any, int]:
    if kind in (TRUE, FALSE):
        return kind == TRUE, start
    if kind == BYTE:
        return content[start], start + 1
    if kind in INTEGERS:
        return _read_integer(content, start)
    if kind == DOUBLE:
        return None, start + 8
    if kind == BINARY:
        length, start = _read_varint(content, start)
        return None, start + length
    if kind == STRUCT:
        return _read_struct(content, start)
    raise KeyError(kind)  # no header of a page has a list or a map


def _read_integer(content: mmap.mmap | bytes, start: int) -> tuple[int, int]:
    """Read an integer whose lowest bit is its sign."""
    value, start = _read_varint(content, start)
    return (value >> 1) ^ -(value & 1), start


def _read_varint(content: mmap.mmap | bytes, start: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[start]
        start += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128 or shift > 63:
            return value, start
