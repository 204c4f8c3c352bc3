"""The command line: thin commands, one place where errors become a line and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, TextIO

import typer

from sentiment.cli.baseline import baseline_command
from sentiment.cli.eval import eval_command
from sentiment.cli.inspect import inspect_command
from sentiment.cli.predict import predict_command
from sentiment.cli.prepare import prepare_command
from sentiment.cli.probe import probe_command
from sentiment.cli.report import report_command
from sentiment.cli.train import train_command
from sentiment.errors import Interrupted, MachineError, SentimentError
from sentiment.system import interrupts

# They count only if set before torch is imported.
ENVIRONMENT = {
    # Idle OpenMP threads spin: two programs on the same cores then slow each other down tenfold. This makes
    # them give way sooner, and costs little alone.
    "GOMP_SPINCOUNT": "1000",
    # oneDNN keeps 1,024 compiled kernels, 2 MB for each shape of a batch; shapes hardly ever come again.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16",
}

# How torch, the loader of shared libraries, C++ and the threads say what Python calls a MemoryError.
MEMORY_SIGNS = (
    "not enough memory",
    "out of memory",
    "failed to map segment",
    "cannot allocate memory",
    "bad_alloc",
    "can't start new thread",
)

# Bytes. With less, libraries fail in the middle of their import in many ways, or hang.
LEAST_ADDRESS_SPACE = 1_000 * 2**20

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("prepare")(prepare_command)
app.command("train")(train_command)
app.command("eval")(eval_command)
app.command("baseline")(baseline_command)
app.command("report")(report_command)
app.command("predict")(predict_command)
app.command("probe")(probe_command)
app.command("inspect")(inspect_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("sentiment"))
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train, judge and use an LSTM sentiment model for reviews."""
    _require_address_space()


def _require_address_space() -> None:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < LEAST_ADDRESS_SPACE:
        raise MachineError(
            f"the address space is limited to {limit / 2**20:,.0f} MiB, too little to load torch; "
            f"allow {LEAST_ADDRESS_SPACE / 2**20:,.0f} MiB with ulimit -v"
        )


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    interrupts.stop_by_default()  # nobody is left to turn an exception into a line
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    debug = arguments[:1] == ["--debug"]
    return guard(lambda: app(arguments or ["--help"], standalone_mode=False), debug)


def guard(action: Callable[[], object], debug: bool = False) -> int:
    """Do what a command does; every error becomes one line on stderr and an exit code.

    Returns the code: that of the error (see sentiment/errors.py), or what `action` returned if it is a
    number, or 0.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    interrupts.stop_at_once()
    if sys.stderr is None:  # it was closed; what is said there must not turn up on stdout
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        return _fail("cannot write the output: stdout is closed", MachineError.exit_code)
    try:
        code = action()
        sys.stdout.flush()
        interrupts.check()
        return code if isinstance(code, int) else 0
    except BaseException as error:
        if debug:
            traceback.print_exc()
        return _explain(error)


def _explain(error: BaseException) -> int:
    """Print what went wrong, and return its exit code."""
    try:
        interrupts.check()  # whatever went wrong after a signal went wrong because of it
    except Interrupted as stop:
        error = stop
    if isinstance(error, Interrupted):
        return error.exit_code
    if isinstance(error, BrokenPipeError | SystemExit):  # typer turns the first into the second
        # The reader of our output has seen enough; Python must not complain when it flushes at exit.
        _discard(sys.stdout)
        return 0
    if isinstance(error, SentimentError):
        return _fail(str(error), error.exit_code)
    if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in MEMORY_SIGNS):
        return _fail("not enough memory; lower batches.tokens or model.hidden", MachineError.exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        _discard(sys.stdout)
        return _fail(f"cannot write the output: {error.strerror}", MachineError.exit_code)
    if hasattr(error, "format_message"):  # typer's usage errors, whose classes differ between its releases
        return _fail(f"{error.format_message()} (see sentiment --help)", 2)
    return _fail(
        f"a bug of ours: {type(error).__name__}: {error}; run it again as: sentiment --debug ...",
        SentimentError.exit_code,
    )


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(message: str, code: int) -> int:
    try:
        print("error: " + " ".join(message.split()), file=sys.stderr)
    except OSError:  # its reader is gone or its disk is full; the exit code still says it
        _discard(sys.stderr)
    return code
