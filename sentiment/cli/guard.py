"""Run an action of the command line: every error becomes one line on stderr and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from sentiment.errors import Interrupted, MachineError, SentimentError, UsageError
from sentiment.system import interrupts

# They have an effect only if they are set before torch is imported.
ENVIRONMENT = {
    # Idle OpenMP threads spin: two programs on the same cores then slow each other down tenfold. With this
    # they give way sooner, which costs little alone.
    "GOMP_SPINCOUNT": "1000",
    # oneDNN keeps 1,024 compiled kernels, 2 MB for each shape of a batch; shapes are hardly ever repeated.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16",
}

# The words of torch, the loader of shared libraries, C++ and the threads for what Python calls a MemoryError.
MEMORY_SIGNS = (
    "not enough memory",
    "out of memory",
    "failed to map segment",
    "cannot allocate memory",
    "bad_alloc",
    "can't start new thread",
)

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


@dataclass
class Switches:
    """What the user has switched on for the whole command."""

    debug: bool = False
    """Whether the traceback of an error is printed."""


def guard(action: Callable[[], object], switches: Switches | None = None) -> int:
    """Run `action`; return its exit code: that of its error, or the number it returns, or 0.

    The codes are in sentiment/errors.py.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    interrupts.stop_at_once()
    if sys.stderr is None:  # it was closed; messages must not turn up on stdout
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        return _print_error("cannot write the output: stdout is closed", MachineError.exit_code)
    try:
        code = action()
        sys.stdout.flush()
        interrupts.check()
        return code if isinstance(code, int) else 0
    except BaseException as error:
        if switches is not None and switches.debug:
            traceback.print_exc()
        return _report_error(error)


def _report_error(error: BaseException) -> int:
    """Print what went wrong, and return its exit code."""
    try:
        interrupts.check()  # an error after a signal is an effect of the signal
    except Interrupted as stop:
        error = stop
    if isinstance(error, Interrupted):
        return error.exit_code
    if isinstance(error, BrokenPipeError | SystemExit):  # typer turns the first into the second
        # The reader of our output has closed it; Python must not complain when it flushes at exit.
        _discard(sys.stdout)
        return 0
    if isinstance(error, SentimentError):
        return _print_error(str(error), error.exit_code)
    if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in MEMORY_SIGNS):
        return _print_error("not enough memory; lower batches.tokens or model.hidden", MachineError.exit_code)
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        _discard(sys.stdout)
        return _print_error(f"cannot write the output: {error.strerror}", MachineError.exit_code)
    if hasattr(error, "format_message"):  # typer's usage errors, whose classes differ between its releases
        return _print_error(f"{error.format_message()} (see sentiment --help)", UsageError.exit_code)
    return _print_error(
        f"a bug of ours: {type(error).__name__}: {error}; to see more, add --debug", SentimentError.exit_code
    )


def _print_error(message: str, code: int) -> int:
    try:
        print("error: " + " ".join(message.split()), file=sys.stderr)
    except OSError:  # its reader has closed it or its disk is full; the exit code still tells
        _discard(sys.stderr)
    return code


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
