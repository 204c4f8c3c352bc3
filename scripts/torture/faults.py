"""Make one call that writes below a folder fail: the process is killed there, or the system returns an error.

sentiment/system/storage.py and its libraries look up `os` and `io.open` when they call them. Replacing these
functions is enough, and the package needs no code for it. Every call is written to a log.
"""

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = "killed"
MANNERS = (KILLED, "ENOSPC", "EIO", "EACCES")


class Faults:
    """Counts the calls that change something below `folder`, and lets call number `at` fail."""

    def __init__(self, folder: Path, log: Path, at: int = -1, manner: str = KILLED) -> None:
        self._folder, self._at, self._manner = str(folder), at, manner
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        self._made = 0

    def install(self) -> None:
        """Replace the calls. Use this in a child process only, because nothing restores them."""
        for name in ("mkdir", "unlink", "rmdir"):
            self._replace(name, lambda path, *_, **__: [path])
        for name in ("rename", "replace"):
            self._replace(name, lambda source, target, **_: [source, target])
        self._replace("fsync", lambda descriptor: [_path_of(descriptor)])
        io.open = builtins.open = self._opening(io.open)

    def point(self, call: str, *paths: str, half_done: Callable[[], None] | None = None) -> None:
        """Log one call. If it is the chosen one, do half of its work and fail."""
        if not any(path.startswith(self._folder) for path in paths):
            return
        os.write(self._log, "\t".join([call, *paths]).encode() + b"\n")
        self._made += 1
        if self._made - 1 != self._at:
            return
        if half_done is not None:
            half_done()
        if self._manner == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, self._manner)
        raise OSError(number, os.strerror(number), paths[0])

    def _replace(self, name: str, paths_of: Callable[..., list[Any]]) -> None:
        original = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            inside = options.get("dir_fd", options.get("src_dir_fd"))
            base = "" if inside is None else _path_of(inside)
            self.point(name, *(str(Path(base, path)) for path in paths_of(*arguments, **options)))
            return original(*arguments, **options)

        setattr(os, name, call)

    def _opening(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def opens(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+"):
                return original(file, mode, *arguments, **options)
            path = os.path.abspath(file)  # noqa: PTH100
            self.point("open", path)
            opened = original(file, mode, *arguments, **options)
            return _Writing(opened, path, self) if isinstance(opened, io.BufferedWriter) else opened

        return opens


class _Writing(io.BufferedWriter):
    """A file that counts every write; a failing write leaves half of its bytes on the disk."""

    def __init__(self, opened: io.BufferedWriter, path: str, faults: Faults) -> None:
        super().__init__(opened.detach())
        self._path, self._faults = path, faults

    def write(self, content: Any) -> int:
        def half_done() -> None:
            super(_Writing, self).write(memoryview(content).cast("B")[: len(content) // 2])
            self.flush()

        self._faults.point("write", self._path, half_done=half_done)
        return super().write(content)


def fail_reads(path: Path, at: int, opening: int) -> None:
    """Let reading a file fail with EIO from byte `at` on, when it is opened for the `opening`-th time from 0.

    Use this in a child process only, because nothing restores it.
    """
    original, left = io.open, [opening]

    def opens(file: Any, *arguments: Any, **options: Any) -> Any:
        opened = original(file, *arguments, **options)
        if isinstance(opened, io.BufferedReader) and not isinstance(file, int) and Path(file) == path:
            left[0] -= 1
            return io.BufferedReader(_Failing(opened.detach(), at)) if left[0] == -1 else opened
        return opened

    io.open = builtins.open = opens


class _Failing(io.RawIOBase):
    """A file whose bytes from one on cannot be read."""

    def __init__(self, opened: io.RawIOBase, at: int) -> None:
        self._opened, self._left = opened, at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        content = self._opened.read(min(len(buffer), self._left)) or b""
        buffer[: len(content)] = content
        self._left -= len(content)
        return len(content)


def _path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def read_log(path: Path) -> list[list[str]]:
    """Return the calls in a log: each is a name and its paths."""
    return [line.split("\t") for line in path.read_text().splitlines()]
