"""A leader's assistant as a fork, which saves the ten seconds of imports that a new process takes."""

import json
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sentiment import cli
from sentiment.system import processes

from .children import leave_after


class Standby:
    """A child of this process that waits for the arguments of `sentiment`, and runs it then.

    It stands in for the `Popen` that the package uses.
    """

    def __init__(self) -> None:
        """Start to wait. Do this before the command begins, so that its files and locks are not inherited."""
        reader, self._writer = os.pipe()
        self.pid = os.fork()
        self._code: int | None = None
        if self.pid == 0:
            os.close(self._writer)
            leave_after(partial(_serve, reader))
        os.close(reader)

    def begin(self, arguments: Sequence[str], variables: dict[str, str]) -> None:
        """Let it run the command as an assistant with these variables."""
        os.write(self._writer, json.dumps([list(arguments), variables]).encode())
        os.close(self._writer)

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self._code is None:
            process, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if process else None
        return self._code

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def assist_by_fork(told: Path) -> None:
    """Let the command that this process will run fork its assistant, and write its number to `told`.

    Use this in a child process only, because nothing restores it.
    """
    standby = Standby()

    def start(arguments: Sequence[str], variables: dict[str, str]) -> Standby:
        standby.begin(arguments, variables)
        told.write_text(f"{standby.pid}")
        return standby

    setattr(processes, "_start_assistant", start)  # noqa: B010


def _serve(reader: int) -> int:
    """Wait for the arguments, and return the exit code of the command; 1 if there are none."""
    with os.fdopen(reader, "rb") as pipe:
        message = pipe.read()
    if not message:
        return 1
    arguments, variables = json.loads(message)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(variables)
    return cli.run(arguments)
