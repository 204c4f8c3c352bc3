"""Options that several commands share, and the choice of a run."""

from pathlib import Path
from typing import Annotated

import typer

from sentiment.system.console import say

ConfigArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="CONFIG", help="A TOML file, or a shipped recipe such as imdb-fast; imdb by default."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one key, such as training.epochs=3. Repeatable."),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="Hub name, folder, file (csv, tsv, json, jsonl, parquet), sample or phrases.",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option("--split", help="The split to judge: test, or the only one of --data, by default."),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads; every core by default.")
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes", min=0, help="Processes that share each batch and the threads; 0 takes the fastest."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

RUNS = Path("runs")
SHIPPED_NAME = "shipped"
RUN_HELP = "A run folder, or shipped; the newest run, else the shipped model, by default."
RunArgument = Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP)]


def overrides(
    settings: list[str] | None,
    data: str | None,
    device: str | None = None,
    threads: int | None = None,
    processes: int | None = None,
) -> list[str]:
    """Options that stand for a key of the configuration, as overrides of it."""
    from sentiment.config import override

    named = {
        "data.source": data,
        "machine.device": device,
        "machine.threads": threads,
        "machine.processes": processes,
    }
    given = [override(key, value) for key, value in named.items() if value is not None]
    return [*(settings or []), *given]


def choose_run(run: str | None) -> Path:
    """The run that was named, else the newest finished one under `runs/`, else the shipped model.

    Which one was found is said on stderr. `shipped` is the shipped model, `./shipped` a folder of that name.
    """
    from sentiment.runs import SHIPPED, newest_finished

    if run is not None:
        return SHIPPED if run == SHIPPED_NAME else Path(run)
    newest = newest_finished(RUNS)
    say(f"using {newest or 'the shipped model (no finished run under runs/)'}")
    return newest or SHIPPED
