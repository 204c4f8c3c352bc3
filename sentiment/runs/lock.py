"""The lock on a run folder: one training at a time, in this process and in all others."""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

from sentiment.errors import MachineError
from sentiment.system import storage
from sentiment.system.held_folder import hold_folder

LOCK_FILE = ".lock"

# A record lock belongs to the whole process. Between the threads of this process, the list decides.
_held_folders: set[str] = set()
_list_lock = threading.Lock()


class FolderLock:
    """Holds a folder until `release`, or until this process ends, even if its children live on."""

    def __init__(self, folder: Path, work: str = "training") -> None:
        """Take the lock for some `work`.

        Raises MachineError if another process or thread holds it, RunError if its file is a link.
        """
        self._work = work
        self._folder = os.path.realpath(folder)
        self._path = folder / LOCK_FILE
        with _list_lock:
            # Check the list first: opening and closing the file would release the lock of another thread.
            if self._folder in _held_folders:
                raise self._in_use_error(folder)
            self._descriptor = self._open_and_lock(folder)
            _held_folders.add(self._folder)

    def _open_and_lock(self, folder: Path) -> int:
        with storage.machine_errors(folder), hold_folder(folder, may_be_link=True) as held:
            descriptor = held.open_descriptor(LOCK_FILE, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A training that failed at its start may have removed the file since it was opened.
            is_held = os.path.samestat(os.fstat(descriptor), self._path.stat())
        except OSError:
            is_held = False
        if not is_held:
            os.close(descriptor)
            raise self._in_use_error(folder)
        return descriptor

    def release(self) -> None:
        """Release the folder."""
        with _list_lock:
            _held_folders.discard(self._folder)
            os.close(self._descriptor)

    def remove_file(self) -> None:
        """Remove the file that holds the lock, for a run that has not begun."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _in_use_error(self, folder: Path) -> MachineError:
        return MachineError(f"{folder} is in use by another {self._work}")
