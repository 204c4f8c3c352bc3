"""Read lines from a pipe or a terminal as they come, and tell when it pauses."""

import os
import select
from collections import deque
from collections.abc import Iterator

from sentiment.data.sources.budget import require_short

PAUSE = 0.02  # seconds without a new line; a program that writes without a break is faster
BLOCK = 2**16  # bytes, what a pipe holds


class PipeLines(Iterator[bytes]):
    """The lines of a pipe, each with its end."""

    def __init__(self, descriptor: int, name: str) -> None:
        """Read from an open file, which messages call `name`; nothing of it may have been read before."""
        self._descriptor = descriptor
        self._name = name
        self._lines: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._length = 0  # of the unfinished line
        self._has_ended = False

    def __next__(self) -> bytes:
        while not self._lines and not self._has_ended:
            self._read_block()
        if not self._lines:
            raise StopIteration
        return self._lines.popleft()

    def is_idle(self) -> bool:
        """Wait for the next line for a moment; return whether none has come."""
        while not self._lines and not self._has_ended:
            if not select.select([self._descriptor], [], [], PAUSE)[0]:
                return True
            self._read_block()
        return False

    def _read_block(self) -> None:
        block = os.read(self._descriptor, BLOCK)
        if not block:
            self._has_ended = True
            self._lines.extend([b"".join(self._unfinished)] if self._unfinished else [])
            return
        first, *others = block.split(b"\n")
        self._unfinished.append(first)
        self._length += len(first)
        require_short(self._length, self._name, "line")
        for part in others:
            self._lines.append(b"".join(self._unfinished) + b"\n")
            self._unfinished, self._length = [part], len(part)
        if not self._unfinished[-1]:
            self._unfinished.pop()
