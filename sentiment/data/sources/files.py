"""Read one file of reviews, whole or in pieces, by its ending."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sentiment.config import DataSettings
from sentiment.data.sources.arrow_files import stream_parquet
from sentiment.data.sources.json_files import stream_json, stream_json_lines
from sentiment.data.sources.separated import stream_separated
from sentiment.data.sources.table import Table, join_tables
from sentiment.data.sources.text_files import TextFile, find_encoding, named_text_errors
from sentiment.errors import DataError

FILE_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".parquet")

TextReader = Callable[[TextFile, DataSettings], Iterator[Table]]
TEXT_READERS: dict[str, TextReader] = {
    ".csv": partial(stream_separated, usual=","),
    ".tsv": partial(stream_separated, usual="\t"),
    ".jsonl": lambda file, _: stream_json_lines(file),
    ".json": lambda file, _: stream_json(file),
}
BINARY_READERS: dict[str, Callable[[Path], Iterator[Table]]] = {".parquet": stream_parquet}


def read_table(path: Path, settings: DataSettings) -> Table:
    """Read a file with one of `FILE_ENDINGS` whole; raises DataError that says what is wrong and where."""
    return join_tables(stream_table(path, settings))


def stream_table(path: Path, settings: DataSettings) -> Iterator[Table]:
    """Yield the tables of some thousand rows that a file with one of `FILE_ENDINGS` consists of.

    A file without rows is one table without rows. Memory stays flat, except for `.json`. `Table.bad_rows` has
    the rows that cannot be read. Raises DataError that says what is wrong and where.
    """
    ending = file_ending(path)
    if ending not in TEXT_READERS and ending not in BINARY_READERS:
        raise DataError(f"{path}: unknown ending; rename the file to end in one of {', '.join(FILE_ENDINGS)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; add reviews to it")
        if ending in BINARY_READERS:
            yield from BINARY_READERS[ending](path)
            return
        file = find_encoding(path, settings)
        with named_text_errors(file):
            yield from TEXT_READERS[ending](file, settings)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def file_ending(path: Path) -> str:
    """Return the ending of a file in lower case, without `.gz`."""
    return path.suffix.lower()
