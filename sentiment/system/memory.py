"""Give freed memory back to the system, so training can use the memory that reading needed."""

import ctypes
import gc
import sys
from contextlib import suppress


def release() -> None:
    """Give back the unused memory that Python, Arrow and the C library keep."""
    gc.collect()
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with suppress(OSError, AttributeError, TypeError):  # only the C library of Linux has this function
        ctypes.CDLL(None).malloc_trim(0)
