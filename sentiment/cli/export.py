"""`sentiment export`: write a run as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from sentiment.cli.options import REQUIRED_RUN_HELP, ForceOption, ThreadsOption
from sentiment.system.console import escape_line, show


def export_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help=REQUIRED_RUN_HELP)],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as model.onnx.")],
    force: ForceOption = False,
    threads: ThreadsOption = None,
) -> None:
    """Write a run as an ONNX file, for programs without Python or torch; it is checked first."""
    from sentiment.exporting.run import export_onnx

    exported = export_onnx(run, out, force=force, threads=threads or 0)
    show(
        f"{escape_line(str(out))} ({exported.size / 1000:,.0f} kB); over 200 reviews, alone and in batches, "
        f"no logit differs by more than {exported.change:.1e}"
    )
