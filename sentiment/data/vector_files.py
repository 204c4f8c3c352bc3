"""Read a text file of word vectors, line by line; only the words that are wanted are kept."""

import gzip
import io
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sentiment.data.sources.text_files import is_packed

LONGEST_LINE = 2**20  # bytes; a line of 300 values has 3,000
SMALL_ENOUGH = 2**26  # bytes; what any packed file may unpack to
MOST_UNPACKED = 20  # times the size of a packed file; text of word vectors shrinks to a third


class WidthError(Exception):
    """Raised if the vectors of a file have another width than wanted."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(f"vectors of {width} values")


def stream_rows(path: Path, wanted: Mapping[bytes, int], width: int) -> Iterator[tuple[int, list[float]]]:
    """Yield the number and the values of each wanted word of a file of `word value value ...` lines.

    The first line may be the header of word2vec. Raises WidthError if the vectors are not `width` wide,
    ValueError if the file is malformed or unpacks to far more than its size, and what unpacking raises.
    """
    seen = False
    for number, line in enumerate(_lines_of(path), start=1):
        content = line.rstrip()
        count = content.count(b" ")
        if number == 1 and count == 1:
            continue
        word, _, values = content.partition(b" ")
        if not seen:
            if count == 0 or not all(map(_is_number, values.split(b" "))):
                raise ValueError(f"line {number} is no word with values")
            if count != width:
                raise WidthError(count)
            seen = True
        if count != width:
            raise ValueError(f"line {number} has {count} values, the lines before have {width}")
        if word in wanted:
            yield wanted[word], [float(value) for value in values.split(b" ")]
    if not seen:
        raise ValueError("it holds no vectors")


def unpacked_limit(size: int) -> int:
    """Return how many bytes a packed file of `size` bytes may unpack to."""
    return max(SMALL_ENOUGH, MOST_UNPACKED * size)


def _lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a text file or a .gz; raises ValueError at a line, or at all of them, too long."""
    packed, left = is_packed(path), unpacked_limit(path.stat().st_size)
    with io.BufferedReader(gzip.open(path)) if packed else path.open("rb") as file:
        for line in iter(partial(file.readline, LONGEST_LINE + 1), b""):
            left -= len(line) if packed else 0
            if left < 0:
                raise ValueError(f"it unpacks to more than {MOST_UNPACKED} times its size")
            if len(line) > LONGEST_LINE:
                raise ValueError(f"a line has more than {LONGEST_LINE:,} bytes")
            yield line


def _is_number(value: bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
