"""`sentiment push`: send a finished run to the Hugging Face hub."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import REQUIRED_RUN_HELP, choose_run
from sentiment.errors import UsageError
from sentiment.system.console import say, show

if TYPE_CHECKING:
    from sentiment.sharing import Parcel


def push_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help=REQUIRED_RUN_HELP)],
    repository: Annotated[str, typer.Argument(metavar="USER/NAME", help="The repository on the hub.")],
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody read it; without this it is private.")
    ] = False,
    without_texts: Annotated[
        bool,
        typer.Option(
            "--without-texts", help="Leave texts of reviews out: the report, and those of golden.json."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Commit on top of the files that the repository has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the files go.")] = False,
) -> None:
    """Send a finished run to the Hugging Face hub, with a model card; private by default."""
    from sentiment.sharing import pack_run, send_parcel

    parcel = pack_run(choose_run(run), repository, without_texts=without_texts)
    _list_files(parcel, public)
    if not yes and sys.stdin.isatty() and not _is_confirmed():
        raise UsageError("nothing was sent")
    show(send_parcel(parcel, public=public, force=force))


def _list_files(parcel: "Parcel", public: bool) -> None:
    for name, content in parcel.files.items():
        say(f"{len(content):>13,}  {name}")
    say(f"{parcel.size:>13,}  bytes to {parcel.repository} ({'public' if public else 'private'})")


def _is_confirmed() -> bool:
    try:
        return typer.confirm("Send them?", err=True)
    except typer.Abort:  # the end of the input
        return False
