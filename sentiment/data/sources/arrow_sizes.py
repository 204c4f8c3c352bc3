"""Count what values of Arrow take in Python, where a value that a file has once may be in many rows."""

from typing import Any

import numpy as np

from sentiment.data.sources.budget import MOST_CHARACTERS, VALUE_BYTES, Budget, require_short
from sentiment.data.text import shorten
from sentiment.errors import DataError

Sizes = np.ndarray[Any, np.dtype[np.int64]]


def take_batch(batch: Any, budget: Budget, origin: str) -> int:
    """Take what a batch of rows takes as Python values, and return it.

    Raises DataError if that is too much, if a cell is too long, or if a type of values is not supported.
    """
    size = VALUE_BYTES * len(batch)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if _is_simple(column.type) and column.nbytes <= MOST_CHARACTERS:  # as nearly always, and faster
            size += column.nbytes + VALUE_BYTES * len(column)
        else:
            size += int(_sizes(column, f"{origin}, column {shorten(name)},", budget).sum())
    budget.take(size)
    return size


def _is_simple(kind: Any) -> bool:
    """Return whether each value has bytes of its own."""
    from pyarrow import types

    return _is_text(kind) or types.is_primitive(kind)


def _is_text(kind: Any) -> bool:
    import pyarrow

    return kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary())


def _sizes(array: Any, place: str, budget: Budget) -> Sizes:
    """Return the bytes of each value (int64); `place` is the column for a message."""
    from pyarrow import types

    kind = array.type
    if hasattr(kind, "storage_type"):
        return _sizes(array.storage, place, budget)
    if types.is_dictionary(kind):
        return _sizes_of_indices(array, _sizes(array.dictionary, place, budget))
    own_N = np.full(len(array), VALUE_BYTES, dtype=np.int64)
    if types.is_struct(kind):
        fields = (array.field(index) for index in range(kind.num_fields))
        return sum((_sizes(field, place, budget) for field in fields), start=own_N)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return own_N + _sizes_of_lists(array, place, budget)
    if types.is_fixed_size_list(kind):
        budget.take(values=len(array) * kind.list_size)
        items = array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size)
        items_NM = _sizes(items, place, budget).reshape(len(array), kind.list_size)
        return np.asarray(own_N + items_NM.sum(axis=1))
    if kind.num_fields or types.is_run_end_encoded(kind):
        raise DataError(f"{place} has the type {kind}, which is not supported; remove it, or save it as text")
    lengths_N = _lengths(array)
    require_short(int(lengths_N.max(initial=0)), place, "cell")
    return own_N + lengths_N


def _sizes_of_indices(array: Any, sizes_D: Sizes) -> Sizes:
    """Return the bytes of each value of a dictionary array, from those of its dictionary."""
    indices = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return sizes_D[indices] if len(sizes_D) else np.full(len(array), VALUE_BYTES, dtype=np.int64)


def _sizes_of_lists(array: Any, place: str, budget: Budget) -> Sizes:
    """Return the bytes of the items of each list."""
    if len(array) == 0:
        return np.zeros(0, dtype=np.int64)
    offsets = array.offsets.to_numpy()
    items = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    ends_M = np.concatenate([[0], np.cumsum(_sizes(items, place, budget))])
    return np.asarray(np.diff(ends_M[offsets - offsets[0]]))


def _lengths(array: Any) -> Sizes:
    """Return the bytes of each text; 0 for values whose size is fixed, which are small."""
    import pyarrow.compute
    from pyarrow import types

    kind = array.type
    if types.is_string_view(kind) or types.is_binary_view(kind):
        # A view has 16 bytes, and begins with the length.
        views = np.frombuffer(array.buffers()[1] or b"", dtype=np.int32)[::4]
        return np.asarray(views[array.offset : array.offset + len(array)], dtype=np.int64)
    if types.is_fixed_size_binary(kind):
        return np.full(len(array), kind.byte_width, dtype=np.int64)
    if _is_text(kind):
        lengths_N = pyarrow.compute.binary_length(array).fill_null(0)
        return np.asarray(lengths_N.to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.zeros(len(array), dtype=np.int64)
