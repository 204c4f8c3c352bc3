"""The tokens of many texts, in memory or in a file that is read as it is needed."""

import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class StoredIds:
    """int32 ids in a .npy file; a slice is read when it is asked for.

    A memory map would count its pages as memory of this process, and after an epoch that is all of them. The
    system caches what is read here just the same.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; raises OSError or ValueError if it does not hold int32."""
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            (self._count,), _, kind = np.lib.format.read_array_header_1_0(file)
            self._start = file.tell()
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        if kind != np.int32 or path.stat().st_size != self._start + 4 * self._count:
            raise ValueError(f"{path.name} is not a complete file of int32")

    def __len__(self) -> int:
        return int(self._count)

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, _ = part.indices(len(self))
        size = 4 * max(0, stop - start)
        return np.frombuffer(os.pread(self._descriptor, size, self._start + 4 * start), dtype=np.int32)


@dataclass(frozen=True)
class Tokens:
    """The tokens of many texts: indices into a table of distinct forms, one text after the other."""

    forms: list[str]
    """Distinct tokens, in the case in which they were written."""
    ids: "np.ndarray | StoredIds"
    """int32, one per token; in a file if they come from the cache."""
    offsets: np.ndarray
    """int64, one more than there are texts: text i has ids[offsets[i] : offsets[i + 1]]."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths_N(self) -> np.ndarray:
        """int64 number of tokens of each text."""
        return np.diff(self.offsets)


def offsets_of(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return int64 positions at which texts of these lengths begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
