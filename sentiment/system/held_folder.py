"""Write into a folder through a handle, so that no link in the folder leads a write out of it.

A path is looked up again at every call, and whoever can change the folder can put a link into the path. A
handle stays with the folder that was opened. Only single names are used with it, and links among them are
refused.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from sentiment.errors import RunError


class HeldFolder:
    """A folder that is open; everything in it is reached by its handle and a name."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        """Where it was when it was opened, for messages."""
        self._descriptor = descriptor

    def names(self) -> list[str]:
        """List what is in it, in order."""
        return sorted(os.listdir(self._descriptor))  # noqa: PTH208

    def is_file(self, name: str) -> bool:
        """Return whether it has a regular file of that name; a link is none."""
        return stat.S_ISREG(self._mode(name))

    def is_folder(self, name: str) -> bool:
        """Return whether it has a folder of that name; a link is none."""
        return stat.S_ISDIR(self._mode(name))

    def open(self, name: str, mode: Literal["rb", "xb", "ab"]) -> BinaryIO:
        """Open a regular file: to read, as a new one, or to append.

        Raises RunError if something else has the name, such as a link.
        """

        def opener(path: str, flags: int) -> int:
            return self.open_descriptor(name, flags)

        return open(self.path / name, mode, opener=opener)

    def open_descriptor(self, name: str, flags: int) -> int:
        """Open a regular file and return its descriptor; raises RunError if something else has the name."""
        mode = self._mode(name)
        if stat.S_ISLNK(mode):
            raise _link_error(self.path / name)
        if mode and not stat.S_ISREG(mode):  # to open a pipe may take for ever, and a device may act
            raise RunError(f"{self.path / name} is no regular file; remove it")
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, 0o666, dir_fd=self._descriptor)

    def make_folder(self, name: str) -> None:
        """Make a folder; raises FileExistsError if anything, also a link, has the name."""
        os.mkdir(name, 0o700, dir_fd=self._descriptor)

    @contextmanager
    def hold(self, name: str) -> Iterator["HeldFolder"]:
        """Hold a folder in this one; raises RunError if it is a link."""
        with _opened(self.path / name, name, self._descriptor, os.O_NOFOLLOW) as held:
            yield held

    def rename(self, name: str, new: str) -> None:
        """Rename a file, a folder or a link; a file or a link that has the new name is replaced."""
        os.rename(name, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, a folder with all that is in it, or a link, but not what it points to."""
        if self.is_folder(name):
            shutil.rmtree(name, ignore_errors=True, dir_fd=self._descriptor)
        elif self._mode(name):
            os.unlink(name, dir_fd=self._descriptor)

    def sync(self) -> None:
        """Force its entries (names, renames) to the disk."""
        os.fsync(self._descriptor)

    def _mode(self, name: str) -> int:
        """Return the kind and the permissions of an entry itself; 0 if there is none."""
        try:
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return 0


@contextmanager
def hold_folder(path: Path, *, may_be_link: bool = False) -> Iterator[HeldFolder]:
    """Hold the folder at `path`; raises RunError if it is a link, unless it may be one.

    The folders above it may be links.
    """
    with _opened(path, path, None, 0 if may_be_link else os.O_NOFOLLOW) as held:
        yield held


def refuse_link(path: Path) -> None:
    """Raise RunError if there is a link at `path`."""
    if path.is_symlink():
        raise _link_error(path)


@contextmanager
def _opened(path: Path, name: str | Path, parent: int | None, flags: int) -> Iterator[HeldFolder]:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | flags, dir_fd=parent)
    except OSError:
        if flags:
            refuse_link(path)
        raise
    try:
        yield HeldFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _link_error(path: Path) -> RunError:
    return RunError(
        f"{path} is a link; a run is not written through links: put what it points to there, or remove it"
    )
