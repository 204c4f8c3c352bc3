"""Read one file of reviews, whole or in pieces, by its ending."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sentiment.config import DataSettings
from sentiment.data.sources.arrow_files import stream_arrow, stream_parquet
from sentiment.data.sources.excel_files import stream_excel
from sentiment.data.sources.json_files import stream_json, stream_json_lines
from sentiment.data.sources.separated import stream_separated
from sentiment.data.sources.table import Table, join_tables
from sentiment.data.sources.text_files import TextFile, find_encoding, is_packed, named_decoding_errors
from sentiment.data.sources.text_lines import stream_text
from sentiment.errors import DataError

FILE_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".xlsx")  # tables
TEXT_ENDING = ".txt"
OTHER_FILES = {
    ".xls": 'is an old Excel file; save it as "CSV UTF-8"',
    ".ods": "is a spreadsheet; save it as csv",
    ".zip": "is a zip archive; unpack it and name the file or folder in it",
    ".bz2": "is packed; unpack it with bunzip2",
    ".xz": "is packed; unpack it with unxz",
}

TextReader = Callable[[TextFile, DataSettings], Iterator[Table]]
TEXT_READERS: dict[str, TextReader] = {
    ".csv": partial(stream_separated, usual=","),
    ".tsv": partial(stream_separated, usual="\t"),
    ".jsonl": lambda file, _: stream_json_lines(file),
    ".ndjson": lambda file, _: stream_json_lines(file),
    ".json": lambda file, _: stream_json(file),
    ".txt": stream_text,
}
BINARY_READERS: dict[str, Callable[[Path, DataSettings], Iterator[Table]]] = {
    ".parquet": lambda path, _: stream_parquet(path),
    ".arrow": lambda path, _: stream_arrow(path),
    ".xlsx": stream_excel,
}


def read_table(path: Path, settings: DataSettings) -> Table:
    """Read a table or a text file whole; raises DataError that says what is wrong and where."""
    return join_tables(stream_table(path, settings))


def stream_table(path: Path, settings: DataSettings) -> Iterator[Table]:
    """Yield the tables of some thousand rows that a table or a text file consists of.

    A file without rows is one table without rows. Memory stays flat, except for `.json`. `Table.bad_rows` has
    the rows that cannot be read. Raises DataError that says what is wrong and where.
    """
    ending = file_ending(path)
    _require_known_ending(path, ending)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; add reviews to it")
        if ending in BINARY_READERS:
            yield from BINARY_READERS[ending](path, settings)
            return
        file = find_encoding(path, settings)
        with named_decoding_errors(file):
            yield from TEXT_READERS[ending](file, settings)
    except (EOFError, zlib.error):
        raise DataError(f"{path} is not a complete gzip file; copy it again") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def file_ending(path: Path) -> str:
    """Return the ending of a file in lower case, without `.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def is_read_by_ending(path: Path) -> bool:
    """Return whether `stream_table` reads a file, or says what to do with it instead."""
    return file_ending(path) in (*FILE_ENDINGS, TEXT_ENDING) or path.suffix.lower() in OTHER_FILES


def _require_known_ending(path: Path, ending: str) -> None:
    if path.suffix.lower() in OTHER_FILES:
        raise DataError(f"{path} {OTHER_FILES[path.suffix.lower()]}")
    if ending in BINARY_READERS and is_packed(path):
        raise DataError(f"{path} is packed; unpack it with gunzip")
    if ending not in TEXT_READERS and ending not in BINARY_READERS:
        known = ", ".join((*FILE_ENDINGS, TEXT_ENDING))
        raise DataError(f"{path}: unknown ending; rename the file to end in one of {known}")
