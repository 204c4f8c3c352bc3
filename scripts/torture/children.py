"""Commands as child processes: forks of this process, or new ones.

A fork saves the seconds that importing torch, spaCy and scikit-learn takes. This process must not have
started threads of its own.
"""

import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from sentiment import cli

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds after which a child is treated as hanging
# What a training imports where it is used: three quarters of a short one, if each fork did it again.
IMPORTED_LATE = (
    "sentiment.training.run",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.multiclass",
    "torch._dynamo",
)


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    code: int
    """Its exit code; minus the signal that killed it."""
    out: str
    err: str
    seconds: float
    peak_bytes: int
    """The most memory it held."""

    @property
    def error(self) -> str:
        """The last line of stderr. Fails unless it begins with `error:`, and no other line does."""
        lines = [line for line in self.err.splitlines() if line]
        assert "Traceback" not in self.err, f"a traceback: {self.err}"
        errors = [line for line in lines if line.startswith("error: ")]
        assert errors == lines[-1:], f"not one line beginning error: {self.err!r}"
        return errors[0]

    def assert_code(self, *codes: int) -> None:
        """Fail unless it ended with one of these exit codes."""
        assert self.code in codes, f"exit code {self.code}, not {codes}: {self.err[-2000:]}"


class Child:
    """A child process whose output goes to files."""

    def __init__(self, pid: int, output: Path, started: float) -> None:
        self.pid = pid
        self._output, self._started = output, started
        self._ended: Ended | None = None

    def send(self, number: int) -> None:
        """Send a signal if the child is still running."""
        if not self.poll():
            os.kill(self.pid, number)

    def poll(self) -> bool:
        """Return whether the child has ended."""
        if self._ended is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._ended = Ended(
                    code=os.waitstatus_to_exitcode(status),
                    out=self._output.with_suffix(".out").read_text(errors="replace"),
                    err=self._output.with_suffix(".err").read_text(errors="replace"),
                    seconds=time.monotonic() - self._started,
                    peak_bytes=usage.ru_maxrss * 1024,
                )
        return self._ended is not None

    def wait(self, patience: float = PATIENCE) -> Ended:
        """Wait for the end of the child. A hanging child is killed and fails the trial."""
        end = time.monotonic() + patience
        while not self.poll():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"still running after {patience:.0f} s")
            time.sleep(0.002)
        assert self._ended is not None
        return self._ended


def fork(
    action: Callable[[], int | None],
    output: Path,
    environment: Mapping[str, str] | None = None,
    stdin: Path = Path(os.devnull),
) -> Child:
    """Run `action` in a fork of this process. The value it returns is the exit code."""
    _import_once()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:

        def redirected() -> int | None:
            _redirect(0, os.open(stdin, os.O_RDONLY))
            for number, suffix in ((1, ".out"), (2, ".err")):
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                _redirect(number, os.open(output.with_suffix(suffix), flags, 0o644))
            for number, stream_name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
                line_buffered = 1 if number == 2 else -1
                stream = open(number, mode, buffering=line_buffered, closefd=False)  # noqa: SIM115
                setattr(sys, stream_name, stream)
            os.environ.update(environment or {})
            return action()

        leave_after(redirected)
    return Child(pid, output, started)


def leave_after(action: Callable[[], int | None]) -> NoReturn:
    """End this process, a fork, with the exit code that `action` returns; with 99 if it raises."""
    code = 99
    try:
        code = action() or 0
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


@cache
def _import_once() -> None:
    for name in IMPORTED_LATE:
        import_module(name)
    gc.freeze()  # a fork that collects garbage looks at its own objects alone


def fork_command(
    arguments: list[str],
    output: Path,
    environment: Mapping[str, str] | None = None,
    *,
    before: Callable[[], None] | None = None,
    stdin: Path = Path(os.devnull),
) -> Child:
    """Run `sentiment ARGUMENTS` in a fork; `before` plants the faults first."""

    def action() -> int:
        if before is not None:
            before()
        return cli.run(arguments)

    return fork(action, output, environment, stdin)


def start_command(
    arguments: list[str],
    output: Path,
    environment: Mapping[str, str] | None = None,
    *,
    prefix: list[str] | None = None,
    before: Callable[[], None] | None = None,
) -> Child:
    """Start `sentiment ARGUMENTS` as a new process, under another program if `prefix` names one."""
    started = time.monotonic()
    with output.with_suffix(".out").open("wb") as out, output.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            [*(prefix or []), sys.executable, "-m", "sentiment", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {}),
            preexec_fn=before,
        )
    process.returncode = 0  # `Child` waits for the process, `Popen` must not
    return Child(process.pid, output, started)


def _redirect(number: int, descriptor: int) -> None:
    os.dup2(descriptor, number)
    os.close(descriptor)
