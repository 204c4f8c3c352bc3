"""Keep in the user's cache what takes long to make, and make it again if it is damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sentiment.errors import DataError
from sentiment.system import storage
from sentiment.system.folders import cache_folder
from sentiment.system.held_folder import HeldFolder

T = TypeVar("T")


def open_or_make(entry: str, open_entry: Callable[[Path], T], write: Callable[[HeldFolder], None]) -> T:
    """Open an entry of the cache, such as `tokens/HASH`; `write` first fills its folder if there is none.

    `open_entry` raises DataError if the files are damaged: then the entry is made again. If two processes
    need the same entry, both make it, and the first to finish keeps it. There is no lock: no process waits
    for a process that has died. Raises MachineError if the entry cannot be written.
    """
    folder = cache_folder() / entry
    if folder.is_dir():
        try:
            return _open_whole(folder, open_entry)
        except DataError:
            shutil.rmtree(folder, ignore_errors=True)
    with storage.new_folder(folder, parent_may_be_link=True) as temporary, storage.machine_errors(folder):
        write(temporary)
    return _open_whole(folder, open_entry)


def _open_whole(folder: Path, open_entry: Callable[[Path], T]) -> T:
    """Open an entry whose files are what its manifest says; raises DataError for any other."""
    storage.verify(folder, DataError)
    return open_entry(folder)
