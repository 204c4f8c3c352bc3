"""Read parquet and arrow files in batches of rows, with the class names that their metadata declares."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentiment.data.sources.table import PIECE_ROWS, Layout, Table
from sentiment.data.text import shorten
from sentiment.errors import DataError


def stream_parquet(path: Path) -> Iterator[Table]:
    """Yield tables of a parquet file; raises DataError if it is damaged."""
    import pyarrow.parquet

    with (
        _named_damage(path, "parquet"),
        pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file,
    ):
        batches = file.iter_batches(batch_size=PIECE_ROWS)
        yield from _tables_of_batches(path, file.schema_arrow, batches, Layout("parquet"))


def stream_arrow(path: Path) -> Iterator[Table]:
    """Yield tables of an arrow file, written as a file or as a stream; raises DataError if it is damaged."""
    import pyarrow
    import pyarrow.ipc

    with _named_damage(path, "arrow"), pyarrow.memory_map(str(path)) as source:
        is_stream = source.read(6) != b"ARROW1"
        source.seek(0)
        if is_stream:
            reader = pyarrow.ipc.open_stream(source)
            batches = iter(reader)
        else:
            reader = pyarrow.ipc.open_file(source)
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        yield from _tables_of_batches(path, reader.schema, _cut_batches(batches), Layout("arrow"))


def require_unique_columns(names: Sequence[str], path: Path | str) -> None:
    """Raise DataError if two columns of a file have one name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: two columns are called {shorten(repeated[0])}; rename or remove one")


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


def _cut_batches(batches: Iterator[Any]) -> Iterator[Any]:
    """Yield record batches of at most `PIECE_ROWS` rows, none with an offset that leads out of its memory."""
    for batch in batches:
        batch.validate(full=True)
        for first in range(0, len(batch), PIECE_ROWS):
            yield batch.slice(first, PIECE_ROWS)


def _tables_of_batches(path: Path, schema: Any, batches: Iterator[Any], layout: Layout) -> Iterator[Table]:
    """Yield a table for each batch; a file without rows is one table with its columns alone."""
    require_unique_columns(schema.names, path)
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
    except (pyarrow.lib.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).splitlines()[:1])
        raise DataError(f"{path} is not a complete {kind} file: {reason}; copy it again") from None
