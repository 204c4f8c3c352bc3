"""`sentiment train`: train a model, or resume a training."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentiment.cli.options import (
    ConfigArgument,
    DataOption,
    DeviceOption,
    ProcessesOption,
    SetOption,
    ThreadsOption,
    overrides,
)
from sentiment.cli.recipe import choose_config
from sentiment.cli.table import align, epoch_lines, parent_rows
from sentiment.cli.table_options import takes_table_options
from sentiment.config import ADAPT_RECIPE, Config, is_path, parse_config, read_config
from sentiment.errors import Interrupted, UsageError
from sentiment.system.console import escape_line, say, show

if TYPE_CHECKING:
    from sentiment.runs import RunFolder


@takes_table_options
def train_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Start from a finished run; shipped is the shipped model. CONFIG is then adapt by default.",
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="The run: a name under runs/, or a path; CONFIG-1, -2, ... by default."),
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    processes: ProcessesOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume a stopped run; with --data if its reviews have moved.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run.")] = False,
    table: Sequence[str] = (),
) -> None:
    """Train a model: prepare the data, train, validate, and write a run folder."""
    from sentiment.runs import run_path
    from sentiment.system.place import read_place

    if resume and force:
        raise UsageError("--resume keeps a run and --force replaces it; give one of them")
    if resume and run is None:
        raise UsageError("--resume needs --run, the run to resume")
    place = read_place()
    if run is None and place.is_joint:
        raise UsageError("processes that train together need --run, the folder of the one that writes")
    path = None if run is None else run_path(run)
    changes = overrides(
        settings, data, start=start, device=device, threads=threads, processes=processes, table=table
    )
    if resume and path is not None:
        from sentiment.training.run import resume_run

        facts = resume_run(path, _wanted_config(path, config, changes), data, place)
    else:
        recipe, wanted, source = choose_config(
            config or (ADAPT_RECIPE if start else None), changes, quiet=not place.leads
        )
        path = path or _next_run(recipe)
        from sentiment.training.run import train_run

        facts = train_run(wanted, path, force, place, source=source)
    if facts:  # only the leading process has them
        _print_result(path, facts, data)


def _wanted_config(run: Path, config: str | None, changes: list[str]) -> Config | None:
    """The configuration that a resumed run is expected to have, if the command names any."""
    if config is not None:
        return read_config(config, changes)
    if not changes:
        return None
    from sentiment.runs import RunFolder

    return parse_config(RunFolder(run).read_config().to_toml(), f"{run}", changes)


def _next_run(config: str) -> Path:
    """The first free name among `runs/RECIPE-1`, `runs/RECIPE-2` and so on."""
    from sentiment.runs.locate import RUNS

    recipe = Path(config).stem if is_path(config) else config
    return next(path for n in itertools.count(1) if not (path := RUNS / f"{recipe}-{n}").exists())


def _print_result(run: Path, facts: dict[str, Any], moved_to: str | None) -> None:
    """Write the page about a finished run, if its configuration asks for one, and print the summary."""
    from sentiment.runs import RunFolder, read_metrics

    folder = RunFolder(run)
    config = folder.read_config()
    show("\n".join(epoch_lines(read_metrics(run))))
    source = None if moved_to in (None, config.data.source) else moved_to
    if config.logging.report and facts["data"]["validation"] and not folder.report_path.exists():
        _write_page(folder, facts, source)
    if compared := facts["result"].get("comparison"):  # older runs have none
        show(align(parent_rows(compared)))
    show(_summary(folder, config, facts, source))
    for warning in facts["result"].get("checks", {}).get("warnings", []):  # older runs have none
        say(f"warning: {warning}")


def _write_page(run: "RunFolder", facts: dict[str, Any], source: str | None) -> None:
    """Write the page about a finished run; if that fails, the run is finished all the same."""
    from sentiment.report import write_report

    machine = facts["machine"]
    try:
        write_report(
            [run.path],
            run.report_path,
            source=source,
            split="validation",
            device=machine["device"],
            threads=machine["threads"],
        )
    except Interrupted:
        say(f"stopped; {run.path} is finished, but has no page")
        raise
    except Exception as error:
        say(f"warning: no page about the run: {error or type(error).__name__}")


def _summary(run: "RunFolder", config: Config, facts: dict[str, Any], source: str | None) -> str:
    from sentiment.runs.commands import report_command_line

    result = facts["result"]
    memory = result["peak_memory_bytes"] / 2**20
    cost = f"{result['seconds'] / 60:.1f} min of training, peak memory {memory:,.0f} MiB"
    judged = result["validation"]
    if judged is None:
        rows = {"run": run.path, "result": "trained on every review, none held out", "cost": cost}
    else:
        best = [
            f"{stage['name']} {stage['best_epoch']} of {stage['epochs']}"
            for stage in result["stages"]
            if stage["best_epoch"]
        ]
        interval = f"{judged['accuracy_low']:.1%} to {judged['accuracy_high']:.1%}"
        temperature = result.get("temperature", 1.0)
        scaled = f", temperature {temperature:.2f}" if temperature != 1 else ""
        share = config.evidence.weight
        rows = {
            "run": run.path,
            "accuracy": f"{judged['accuracy']:.2%} of validation (95%: {interval})",
            "loss": f"{judged['loss']:.3f}, calibration error {judged['calibration_error']:.3f}{scaled}",
            "best epoch": ", ".join(best),
            "evidence": f"n-grams have {share:.0%} of the logit; epochs are judged without" if share else "",
            "cost": cost,
            "report": run.report_path if run.report_path.exists() else report_command_line(run.path, source),
        }
    return "\n".join(escape_line(f"{name:<10} {value}") for name, value in rows.items() if value)
