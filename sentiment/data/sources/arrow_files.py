"""Read parquet and arrow files in batches of rows, with the class names that their metadata declares."""

import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentiment.data.sources.arrow_messages import count_batches
from sentiment.data.sources.arrow_sizes import take_batch
from sentiment.data.sources.budget import MOST_TIMES, Budget, require_columns
from sentiment.data.sources.parquet_pages import Page, map_file, read_pages
from sentiment.data.sources.table import PIECE_ROWS, Layout, Table
from sentiment.errors import DataError

PAGE_BYTES = 2**26  # what a page may unpack to, however small it is; and what a piece of the rows takes
BATCH_BYTES = 2**27  # what a batch can take if each of its values is the longest one
ARROW_FILE = b"ARROW1"  # what an arrow file begins with, unless it is a stream
FIRST_MESSAGE = 8  # where the messages of a file begin


def stream_parquet(path: Path) -> Iterator[Table]:
    """Yield tables of a parquet file; raises DataError if it is damaged or unpacks to too much."""
    with _named_damage(path, "parquet"), open_parquet_batches(path) as (schema, batches):
        yield from _tables_of_batches(path, schema, batches, Layout("parquet"))


@contextmanager
def open_parquet_batches(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Yield the schema of a parquet file, and its rows in batches, always the same ones.

    Raises DataError if the file unpacks to too much, an error of Arrow or a ValueError if it is damaged.
    """
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
        schema = file.schema_arrow
        require_columns(schema.names, path)
        rows = _check_pages(path, file)
        yield schema, _merge_batches(path, file.iter_batches(batch_size=rows))


def stream_arrow(path: Path) -> Iterator[Table]:
    """Yield tables of an arrow file, written as a file or as a stream.

    Raises DataError if it is damaged or unpacks to too much.
    """
    import pyarrow
    import pyarrow.ipc

    with _named_damage(path, "arrow"), pyarrow.memory_map(str(path)) as source:
        is_stream = source.read(len(ARROW_FILE)) != ARROW_FILE
        source.seek(start := 0 if is_stream else FIRST_MESSAGE)
        found = count_batches(source, Budget(path))
        # The end of a file lists its batches once more. What is read are those that were counted.
        if not is_stream and pyarrow.ipc.open_file(source).num_record_batches != found:
            raise ValueError("its end lists other batches")
        source.seek(start)
        reader = pyarrow.ipc.open_stream(source)
        require_columns(reader.schema.names, path)
        batches = _cut_batches(path, iter(reader))
        yield from _tables_of_batches(path, reader.schema, batches, Layout("arrow"))


def declared_classes(metadata: dict[bytes, bytes] | None) -> dict[str, Sequence[str]]:
    """Return the class names of each column that `datasets` declared in the metadata of a schema."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: feature["names"]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}


def _check_pages(path: Path, file: Any) -> int:
    """Return how many rows of a parquet file can be unpacked at a time.

    Raises DataError if its pages say that all of it is too much.
    """
    budget, metadata = Budget(path), file.metadata
    budget.take(values=metadata.num_rows)
    columns = [file.schema.column(index) for index in range(metadata.num_columns)]
    largest = 1
    with map_file(path) as content:
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            longest = 0
            for index, column in enumerate(columns):
                pages = read_pages(content, _first_page(group.column(index)), group.column(index).num_values)
                longest += _check_column(path, pages, column, budget)
            largest = max(largest, longest)
    return min(PIECE_ROWS, max(1, BATCH_BYTES // largest))


def _first_page(chunk: Any) -> int:
    """Return where the first page of a column of a row group is, as Arrow finds it."""
    start: int = chunk.data_page_offset
    dictionary: int = chunk.dictionary_page_offset or 0
    return dictionary if 0 < dictionary < start else start


def _check_column(path: Path, pages: Iterator[Page], column: Any, budget: Budget) -> int:
    """Take what the pages of a column of a row group unpack to; return how long one of its values can be."""
    longest, values = 0, 0
    for page in pages:
        if page.size > max(PAGE_BYTES, MOST_TIMES * page.packed_size):
            raise DataError(
                f"{path} has a page that unpacks to {page.size / 2**20:,.0f} MiB, far more than its size "
                "explains; save the file again, or save it as csv"
            )
        budget.take(page.size, page.values)
        values += page.values
        longest = max(longest, page.size) if page.repeats else longest
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        budget.take(values * column.length)
    if column.physical_type != "BYTE_ARRAY":
        return 0
    if column.max_repetition_level:  # lists: one row may have all the values
        budget.take(values * longest)
        return 0
    return longest


def _merge_batches(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    """Yield small batches together, as long as they have few rows and bytes; count what they take."""
    import pyarrow

    def merge() -> Iterator[Any]:
        yield from pyarrow.Table.from_batches(waiting).combine_chunks().to_batches()

    budget = Budget(path)
    waiting: list[Any] = []
    rows, size = 0, 0
    for batch in batches:
        taken = take_batch(batch, budget, str(path))
        if waiting and (rows + len(batch) > PIECE_ROWS or size + taken > PAGE_BYTES):
            yield from merge()
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + len(batch), size + taken
    if waiting:
        yield from merge()


def _cut_batches(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    """Yield record batches of at most `PIECE_ROWS` rows, none with an offset that leads out of its memory.

    What they take is counted.
    """
    budget = Budget(path)
    for batch in batches:
        batch.validate(full=True)
        for first in range(0, len(batch), PIECE_ROWS):
            piece = batch.slice(first, PIECE_ROWS)
            take_batch(piece, budget, str(path))
            yield piece


def _tables_of_batches(path: Path, schema: Any, batches: Iterator[Any], layout: Layout) -> Iterator[Table]:
    """Yield a table for each batch; a file without rows is one table with its columns alone."""
    classes, rows = declared_classes(schema.metadata), 0
    for batch in batches:
        columns = {name: batch[name].to_pylist() for name in schema.names}
        yield Table(str(path), columns, classes=classes, layout=layout, rows_before=rows)
        rows += len(batch)
    if rows == 0:
        empty: dict[str, Sequence[Any]] = {name: [] for name in schema.names}
        yield Table(str(path), empty, classes=classes, layout=layout)


@contextmanager
def _named_damage(path: Path, kind: str) -> Iterator[None]:
    """Turn what Arrow raises into a DataError."""
    import pyarrow.lib

    try:
        yield
    except (pyarrow.lib.ArrowException, OSError, ValueError, struct.error) as error:
        reason = " ".join(str(error).splitlines()[:1])
        raise DataError(f"{path} is not a complete {kind} file: {reason}; copy it again") from None
