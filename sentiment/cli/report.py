"""`sentiment report`: write a page about a run, or a comparison of several."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentiment.cli.options import (
    RUN_HELP,
    DataOption,
    DeviceOption,
    ForceOption,
    SplitOption,
    ThreadsOption,
    choose_run,
)
from sentiment.cli.table_options import takes_table_options
from sentiment.system.console import escape_line, show


@takes_table_options
def report_command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help=f"{RUN_HELP} Several are compared."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="PAGE", help="The file to write.")] = Path(
        "report.html"
    ),
    data: DataOption = None,
    split: SplitOption = None,
    force: ForceOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    table: Sequence[str] = (),
) -> None:
    """Write a page about a run: figures, curves, mistakes and why, data, recipe."""
    from sentiment.report import write_report
    from sentiment.system import storage

    storage.check_free(out, force)  # first: choosing a run may import much
    chosen = [choose_run(run) for run in runs or ()] or [choose_run(None)]
    size = write_report(
        chosen,
        out,
        source=data,
        split=split,
        changes=table,
        device=device or "auto",
        threads=threads or 0,
        force=force,
    )
    show(f"{escape_line(str(out))} ({size / 1000:,.0f} kB)")
