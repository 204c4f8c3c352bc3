"""The options of `predict` that predict many files on the workers of an engine."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.decision_options import choose_decision
from sentiment.cli.options import choose_run
from sentiment.data.text import shorten
from sentiment.errors import UsageError

if TYPE_CHECKING:
    from sentiment.bulk.worker import Job

ENGINES = ("ray",)
BULK_DEVICES = ("cpu", "cuda")
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ray",
        help="Predict the files of a pattern or folder on several workers; --out names a folder.",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="The head of a cluster of Ray; by default the workers start on this machine.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=100_000, help="Workers of --engine; by default one for each core (--threads)."
    ),
]


def is_bulk(engine: str | None, address: str | None, workers: int | None) -> bool:
    """Return whether the options ask for an engine; raises UsageError if they do not name one."""
    if engine is None and (address is not None or workers is not None):
        raise UsageError("--address and --workers go with --engine ray; add it or leave them out")
    if engine is not None and engine not in ENGINES:
        raise UsageError(f"--engine {shorten(engine)}: the only engine is ray")
    return engine is not None


def require_files(
    file: str | None, out: Path | None, *, has_other_output: bool, is_fast: bool
) -> tuple[str, Path]:
    """Return what is read and the folder that is written; raises UsageError if they do not fit an engine."""
    if file in (None, "-") or out is None:
        raise UsageError("--engine reads files and writes a folder: --file 'in/*.csv' --out FOLDER")
    if has_other_output:
        raise UsageError("--engine goes without --explain, --html and --json; leave one of them out")
    if is_fast:
        raise UsageError("--engine goes without --fast; leave one of them out")
    return str(file), out


def make_job(
    run: str | None,
    decision: tuple[float | None, tuple[float, float] | None],
    table: Sequence[str],
    *,
    strict: bool,
    device: str | None,
    threads: int | None,
) -> "Job":
    """Return what every worker does; `decision` has what `--threshold` and `--unsure` ask for.

    Raises UsageError if an option is wrong or Ray is not installed, RunError if the run is damaged.
    """
    from sentiment.bulk.worker import Job, fingerprint_run
    from sentiment.runs import read_run
    from sentiment.runs.decision import Decision, read_decision
    from sentiment.runs.table_settings import class_names, table_settings
    from sentiment.system.versions import install_command

    if device not in (None, "auto", *BULK_DEVICES):
        raise UsageError(f"--device {shorten(str(device))}: with --engine it is cpu or cuda")
    if find_spec("ray") is None:
        raise UsageError(f"--engine ray needs the package ray: {install_command('ray')}")
    found = read_run(choose_run(run))
    table_settings(found.config, found.facts, None, table)
    kept = read_decision(found.path) or Decision()
    return Job(
        run=found.path.resolve(),
        model=fingerprint_run(found.path),
        decision=choose_decision(class_names(found.facts), kept, *decision),
        table=tuple(table),
        strict=strict,
        device=device if device in BULK_DEVICES else "cpu",
        threads=threads or 1,
    )
