"""Mounts that only a child process sees: small and read-only file systems, removed when it ends."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .children import fork
from .frame import Skipped

NOT_HERE = 77  # exit code of a child that could not make a namespace
CLONE_NEWNS = 0x0002_0000


def in_namespace(action: Callable[[], None], output: Path) -> None:
    """Run `action` in a fork that has its own mounts, and fail if it fails.

    Raises Skipped if this user may not mount.
    """
    if os.geteuid() != 0:
        raise Skipped("only root may mount file systems")

    def enter() -> int:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            print(f"no mount namespaces here: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
            return NOT_HERE
        try:
            _mount("--make-rprivate", "/")
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"nothing can be mounted here: {error}", file=sys.stderr)
            return NOT_HERE
        try:
            action()
        except AssertionError as error:
            print(error, file=sys.stderr)
            return 1
        return 0

    ended = fork(enter, output).wait()
    if ended.code == NOT_HERE:
        raise Skipped(ended.err.strip())
    assert ended.code == 0, ended.err


def mount_tmpfs(folder: Path, kilobytes: int, *options: str) -> None:
    """Mount an empty file system of a given size on a folder."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", ",".join([f"size={kilobytes}k", *options]), "tmpfs", str(folder))


def enlarge(folder: Path, kilobytes: int) -> None:
    """Change the size of a mounted file system."""
    _mount("-o", f"remount,size={kilobytes}k", str(folder))


def make_read_only(folder: Path) -> None:
    """Make a mounted file system read-only."""
    _mount("-o", "remount,ro", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
