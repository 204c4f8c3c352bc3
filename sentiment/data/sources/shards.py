"""Read the files of one split as one table."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sentiment.config import DataSettings
from sentiment.data.sources.files import file_ending, stream_table
from sentiment.data.sources.table import Table, join_tables
from sentiment.errors import DataError


def read_shards(files: Sequence[Path], origin: str, settings: DataSettings) -> Table:
    """Read the files of a split in their order; `origin` is what messages call several files.

    Raises DataError if they are of two kinds, if they declare other classes, or if one cannot be read.
    """
    endings = sorted({file_ending(file) for file in files})
    if len(endings) > 1:
        raise DataError(f"{origin} has files of {len(endings)} kinds ({', '.join(endings)}); keep one kind")
    table = join_tables(_stream_shards(files, settings))
    return table if len(files) == 1 else replace(table, origin=origin, lines=None)


def _stream_shards(files: Sequence[Path], settings: DataSettings) -> Iterator[Table]:
    """Yield the tables of all files; raises DataError if a number would be another class."""
    classes = None
    for file in files:
        for piece in stream_table(file, settings):
            classes = piece.classes if classes is None else classes
            if piece.classes != classes:
                raise DataError(f"{file} declares other classes than {files[0]}; remove one of them")
            yield piece
