"""Run an action of the command line: every error becomes one line on stderr and an exit code."""

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import TextIOWrapper
from typing import TextIO

from sentiment.errors import Interrupted, MachineError, SentimentError, UsageError
from sentiment.system import interrupts
from sentiment.system.console import say_error, say_traceback, say_warnings_of_libraries
from sentiment.system.threads import use_every_core

# How torch, C++, the loader of libraries and the threads report a lack of memory, without a MemoryError.
MEMORY_SIGNS = (
    "not enough memory",
    "out of memory",
    "failed to map segment",
    "cannot allocate memory",
    "bad_alloc",
    "can't start new thread",
)
# How oneDNN does; longer messages that begin like these report something else.
MEMORY_MESSAGES = (
    "could not create a primitive",
    "could not create a memory object",
    "could not create a stream",
    "could not execute a primitive",
)

OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
# What the system refuses, as errors say it, and what to do.
REFUSALS = {
    "too many open files": "the system lets this program open too few files; raise the limit with ulimit -n",
    "no usable temporary directory": "no folder for temporary files can be written; set TMPDIR=FOLDER, or "
    "raise the limit with ulimit -f",
    "resource temporarily unavailable": "the system lets this program start too few processes; raise the "
    "limit with ulimit -u, or use --threads 1 --processes 1",
}


@dataclass
class Switches:
    """Switches that hold for the whole command."""

    debug: bool = False
    """Whether the traceback of an error is printed."""


def guard(action: Callable[[], object], switches: Switches | None = None) -> int:
    """Run `action`; return the exit code of its error, or the number it returns, or 0.

    The codes are in sentiment/errors.py.
    """
    use_every_core()
    interrupts.stop_at_once()
    say_warnings_of_libraries()
    if sys.stderr is None:  # stderr is closed; messages must not appear on stdout
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # a character that the encoding lacks becomes ?
    if sys.stdout is None:
        return _print_error("cannot write the output: stdout is closed", MachineError.exit_code)
    try:
        code = action()
        sys.stdout.flush()
        interrupts.check()
        return code if isinstance(code, int) else 0
    except BaseException as error:
        with interrupts.deferred():  # nothing would catch what another signal raises
            if switches is not None and switches.debug:
                say_traceback()
            return _report_error(error)


def _report_error(error: BaseException) -> int:
    """Print what went wrong, and return its exit code."""
    try:
        interrupts.check()  # after a signal, the signal is the cause of any error
    except Interrupted as stop:
        error = stop
    if isinstance(error, Interrupted):
        return error.exit_code
    if isinstance(error, BrokenPipeError | SystemExit):  # typer turns the first into the second
        # The reader has closed our output. Python must not report that when it flushes at exit.
        _discard(sys.stdout)
        return 0
    if isinstance(error, SentimentError):
        return _print_error(str(error), error.exit_code)
    told = str(error).lower()
    if (
        isinstance(error, MemoryError)
        or told in MEMORY_MESSAGES
        or any(sign in told for sign in MEMORY_SIGNS)
    ):
        return _print_error("not enough memory; lower batches.tokens or model.hidden", MachineError.exit_code)
    for sign, message in REFUSALS.items():
        if sign in told:
            return _print_error(message, MachineError.exit_code)
    if isinstance(error, OSError) and error.errno in OUTPUT_ERRORS:
        _discard(sys.stdout)
        return _print_error(f"cannot write the output: {error.strerror}", MachineError.exit_code)
    if hasattr(error, "format_message"):  # a usage error of typer; its class depends on the release
        return _print_error(f"{error.format_message()} (see sentiment --help)", UsageError.exit_code)
    return _print_error(
        f"a bug of ours: {type(error).__name__}: {error}; to see more, add --debug", SentimentError.exit_code
    )


def _print_error(message: str, code: int) -> int:
    try:
        say_error(message)
    except OSError:  # stderr is closed or its disk is full; the exit code is enough
        _discard(sys.stderr)
    return code


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
