"""Temporary files that killed processes have left beside a file that they were writing."""

import fcntl
import glob
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LEAST_AGE = 10.0  # seconds; a process has held a file that is older, or it never will


def hold(file: BinaryIO) -> None:
    """Show other processes that this one is writing a file, until it is closed or this process ends."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_unfinished(path: Path) -> None:
    """Remove the temporary files of `storage.new_file(path)` that no process holds any more."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            _remove_if_free(leftover)


def _remove_if_free(leftover: Path) -> None:
    descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime >= LEAST_AGE:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()
    finally:
        os.close(descriptor)
