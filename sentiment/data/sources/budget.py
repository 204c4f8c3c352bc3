"""Bound what the content of a data file takes in memory, however much a small file unpacks to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, AnyStr

from sentiment.data.text import shorten
from sentiment.errors import DataError

LEAST_BYTES = 2**30  # what the content of any file may take
MOST_TIMES = 100  # how many times its own size the content of a larger file may take
VALUE_BYTES = 64  # what a row or a value takes besides its characters
MOST_CHARACTERS = 2**24  # of a line, a row or a cell
MOST_COLUMNS = 2**17
BLOCK_CHARACTERS = 2**20


class Budget:
    """What the content of one file may still take.

    Each row and each value counts as 64 bytes besides its characters. A value of plain csv or JSON has a byte
    of the file at least, so the file cannot exceed 100 times its size.
    """

    def __init__(self, path: Path) -> None:
        """Begin to count; raises OSError if the file is not there."""
        self._path = path
        self._most = max(LEAST_BYTES, MOST_TIMES * path.stat().st_size)
        self._taken = 0

    def take(self, size: int = 0, values: int = 0) -> None:
        """Count some bytes, and rows or values; raises DataError if the file has more than it may have."""
        self._taken += size + VALUE_BYTES * values
        if self._taken > self._most:
            raise DataError(
                f"{self._path} holds a table of more than {self._most / 2**20:,.0f} MiB, far more "
                "than its size explains; split it into smaller files"
            )

    def read_lines(self, stream: IO[AnyStr]) -> Iterator[AnyStr]:
        """Yield the lines of a stream, each with its end, and count each as a row.

        Raises DataError if one is too long, before it is read whole, or if all of them are too much.
        """
        number = 0
        while line := stream.readline(MOST_CHARACTERS + 1):
            number += 1
            if len(line) > MOST_CHARACTERS:
                require_short(len(line), f"{self._path}, line {number},", "line")
            self.take(len(line) + VALUE_BYTES)
            yield line

    def read_text(self, stream: IO[str]) -> str:
        """Return all that a stream holds, and count it; raises DataError if it is too much."""
        blocks = []
        while block := stream.read(BLOCK_CHARACTERS):
            self.take(len(block))
            blocks.append(block)
        return "".join(blocks)


def require_short(length: int, place: Path | str, what: str) -> None:
    """Raise DataError if a line, a row or a cell has too many characters."""
    if length > MOST_CHARACTERS:
        raise DataError(
            f"{place} has a {what} of more than {MOST_CHARACTERS:,} characters; split it or remove it"
        )


def require_columns(names: Sequence[str], path: Path | str) -> None:
    """Raise DataError if a file has too many columns, or two with one name."""
    if len(names) > MOST_COLUMNS:
        raise DataError(f"{path} has {len(names):,} columns; keep {MOST_COLUMNS:,} of them at most")
    if len(set(names)) < len(names):
        repeated = shorten(min(name for name, count in Counter(names).items() if count > 1))
        raise DataError(f"{path}: two columns are called {repeated}; rename or remove one")
