"""Where a leading process meets those that it starts: in a private file, then over the loopback interface.

Nothing listens on the network. Whoever wants to join has to read the file, which only this user can.
"""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sentiment.errors import MachineError

LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
SOCKET_VARIABLES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")  # gloo and NCCL listen on this interface
SECONDS_TO_CONNECT = 5.0
TRIES = 100


@contextmanager
def meeting_file() -> Iterator[Path]:
    """Yield the path of a file in a new folder of this user alone; the folder is removed at the end.

    Raises MachineError if there is no place for temporary files.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="sentiment-meeting-"))
    except OSError as error:
        raise MachineError(
            f"cannot make a temporary folder ({error.strerror}); set TMPDIR=FOLDER, or use --processes 1"
        ) from None
    try:
        yield folder / "processes"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_meeting(file: Path) -> None:
    """Remove a meeting file and its folder, if the process that made them has been killed."""
    for _ in range(TRIES):  # while torch connects, it may make the file again
        with suppress(OSError):
            file.unlink(missing_ok=True)
            file.parent.rmdir()
        if not file.parent.exists():
            return


def require_loopback() -> None:
    """Raise MachineError unless this machine can connect to itself."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise MachineError(
            f"processes talk over the loopback interface, which does not work ({error.strerror or error}); "
            f"enable it with ip link set {LOOPBACK} up, or use --processes 1"
        ) from None


@contextmanager
def loopback_only() -> Iterator[None]:
    """Let gloo and NCCL of this process listen on the loopback interface alone, inside the block."""
    before = {name: os.environ.get(name) for name in SOCKET_VARIABLES}
    os.environ.update(dict.fromkeys(SOCKET_VARIABLES, LOOPBACK))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
