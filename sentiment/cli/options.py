"""Options that several commands share, and the choice of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sentiment.data.text import shorten
from sentiment.errors import UsageError
from sentiment.system.console import say

ConfigArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="CONFIG",
        help="A recipe such as imdb-fast, or a TOML file; by default small for fewer than 5,000 training "
        "rows, else imdb.",
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
        help="A file (csv, tsv, txt, json, jsonl, parquet, arrow, xlsx), a folder, a hub name, or sample.",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="The split to judge: by default test, else validation, or the only split of --data.",
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=1_024, help="CPU threads; by default OMP_NUM_THREADS or every core."
    ),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        "--processes",
        min=0,
        help="Processes that train together; 0 takes the fastest number.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

RUN_NAMES = (
    "A name under runs/, a path with a slash, shipped, {newest}, or hf://user/name@revision on the hub."
)
RUN_HELP = RUN_NAMES.format(newest="newest (the default, if there is one)")
REQUIRED_RUN_HELP = RUN_NAMES.format(newest="newest")
RunArgument = Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP)]


def overrides(
    settings: list[str] | None,
    data: str | None,
    *,
    start: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    processes: int | None = None,
    table: Sequence[str] = (),
) -> list[str]:
    """Return the options that set keys of the configuration as overrides; `table` are those of a table."""
    from sentiment.config import override

    named = {
        "data.source": data,
        "start.run": start,
        "machine.device": device,
        "machine.threads": threads,
        "machine.processes": processes,
    }
    given = [override(key, value) for key, value in named.items() if value is not None]
    return [*(settings or []), *given, *table]


def choose_run(run: str | None) -> Path:
    """The run that was named, else the newest finished one under `runs/`, else the shipped model.

    Without a name, the choice is printed on stderr.
    """
    from sentiment.runs import SHIPPED, find_run, newest_finished
    from sentiment.runs.locate import RUNS

    if run is not None:
        return find_run(run)
    newest = newest_finished(RUNS)
    say(f"using {newest or 'the shipped model (no finished run under runs/)'}")
    return newest or SHIPPED


def parse_probability(given: str, expects: str) -> float:
    """Return the probability that was given; raises UsageError that begins with what an option `expects`."""
    try:
        probability = float(given)
    except ValueError:
        probability = -1.0
    if not 0 <= probability <= 1:
        raise UsageError(f"{expects} from 0 to 1, not {shorten(given)}")
    return probability
