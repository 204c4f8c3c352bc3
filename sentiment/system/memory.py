"""Give freed memory back to the system: what reading took must not stand beside what training takes."""

import ctypes
import gc
import sys
from contextlib import suppress


def release() -> None:
    """Return what Python, Arrow and the C library keep of memory that nobody uses, where they know how."""
    gc.collect()
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with suppress(OSError, AttributeError, TypeError):  # the C library of Linux has it
        ctypes.CDLL(None).malloc_trim(0)
