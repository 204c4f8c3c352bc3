"""Read what the messages of an arrow file say they unpack to, before Arrow unpacks them.

Format: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format. The metadata of a message are
a flatbuffer, which Arrow has checked.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from sentiment.data.sources.budget import Budget

# Fields of the tables of flatbuffers, by number.
HEADER = 2
DICTIONARY_DATA = 1
NODES, BUFFERS, COMPRESSION = 1, 2, 3
NOT_COMPRESSED = -1


class _Table(NamedTuple):
    """A table in a flatbuffer."""

    content: bytes
    start: int

    def field(self, number: int) -> int | None:
        """Return where a field is; None if the table does not have it."""
        vtable = self.start - _read("<i", self.content, self.start)
        place = 4 + 2 * number
        if place >= _read("<H", self.content, vtable):
            return None
        offset = _read("<H", self.content, vtable + place)
        return self.start + offset if offset else None

    def table(self, number: int) -> "_Table | None":
        """Return the table that a field is."""
        place = self.field(number)
        return None if place is None else _Table(self.content, place + _read("<I", self.content, place))

    def pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs of integers that a field is a list of."""
        place = self.field(number)
        if place is None:
            return
        place += _read("<I", self.content, place)
        count = _read("<I", self.content, place)
        yield from struct.iter_unpack("<qq", self.content[place + 4 : place + 4 + 16 * count])


def count_batches(source: Any, budget: Budget) -> int:
    """Return how many batches of rows a stream of messages has; take what all messages unpack to.

    Raises DataError if that is too much, ValueError or struct.error if a message is damaged.
    """
    import pyarrow.ipc

    batches = 0
    for message in pyarrow.ipc.MessageReader.open_stream(source):
        if message.type in ("record batch", "dictionary"):
            content = message.metadata.to_pybytes()
            header = _Table(content, _read("<I", content, 0)).table(HEADER)
            is_batch = message.type == "record batch"
            data = header if is_batch or header is None else header.table(DICTIONARY_DATA)
            batches += is_batch
            if data is None:
                raise ValueError("a batch has no header")
            _take_batch(data, message.body, budget)
    return batches


def _take_batch(data: _Table, body: Any, budget: Budget) -> None:
    is_compressed = data.field(COMPRESSION) is not None
    for length, _ in data.pairs(NODES):
        budget.take(values=_require_positive(length))
    for offset, length in data.pairs(BUFFERS):
        size = _require_positive(length)
        if is_compressed and length:
            unpacked = _read("<q", body, _require_positive(offset))
            size = length if unpacked == NOT_COMPRESSED else _require_positive(unpacked)
        budget.take(size)


def _read(form: str, content: Any, place: int) -> int:
    (value,) = struct.unpack_from(form, content, place)
    return int(value)


def _require_positive(size: int) -> int:
    if size < 0:
        raise ValueError("a batch has a negative size")
    return size
