"""`sentiment train`: train a model, or go on with one."""

import itertools
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentiment.cli.options import (
    RUNS,
    ConfigArgument,
    DataOption,
    DeviceOption,
    ProcessesOption,
    SetOption,
    ThreadsOption,
    overrides,
)
from sentiment.cli.table import epoch_lines
from sentiment.config import parse_config, read_config
from sentiment.errors import UsageError

if TYPE_CHECKING:
    from sentiment.runs import RunFolder


def train_command(
    config: ConfigArgument = None,
    settings: SetOption = None,
    data: DataOption = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="The run folder; runs/CONFIG-N by default.")
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    processes: ProcessesOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped run; --data if its reviews have moved.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run.")] = False,
) -> None:
    """Train a model: prepare the data, train, validate, and write a run folder."""
    if resume and force:
        raise UsageError("--resume keeps a run and --force replaces it; give one of them")
    changes = overrides(settings, data, device, threads, processes)
    if resume:
        if run is None:
            raise UsageError("--resume needs --run, the folder to go on with")
        from sentiment.runs import RunFolder
        from sentiment.training.train import resume_run

        wanted = None
        if config is not None:
            wanted = read_config(config, changes)
        elif changes:
            wanted = parse_config(RunFolder(run).config().to_toml(), f"{run}", changes)
        facts = resume_run(run, wanted, data)
    else:
        wanted = read_config(config, changes)
        from sentiment.system.processes import is_joint_training

        if run is None and is_joint_training():
            raise UsageError("processes that train together need --run, the folder of the one that writes")
        run = run or _new_run(config.stem if config else "imdb")
        from sentiment.training.train import train_run

        facts = train_run(wanted, run, force)
    if facts:  # of several processes that train together only the first has them
        from sentiment.runs import read_metrics

        print("\n".join(epoch_lines(read_metrics(run))))
        print(_summary(run, facts))


def _new_run(name: str) -> Path:
    return next(path for n in itertools.count(1) if not (path := RUNS / f"{name}-{n}").exists())


def _summary(run: Path, facts: dict[str, Any]) -> str:
    from sentiment.runs import RunFolder

    folder, result = RunFolder(run), facts["result"]
    memory = result["peak_memory_bytes"] / 2**20
    cost = f"{result['seconds'] / 60:.1f} min of training, peak memory {memory:,.0f} MiB"
    judged = result["validation"]
    if judged is None:
        rows = {"run": run, "result": "trained on every review, none held out", "cost": cost}
    else:
        best = [
            f"{stage['name']} {stage['best_epoch']} of {stage['epochs']}"
            for stage in result["stages"]
            if stage["best_epoch"]
        ]
        interval = f"{judged['accuracy_low']:.1%} to {judged['accuracy_high']:.1%}"
        temperature = result.get("temperature", 1.0)
        scaled = f", temperature {temperature:.2f}" if temperature != 1 else ""
        rows = {
            "run": run,
            "accuracy": f"{judged['accuracy']:.2%} of validation (95%: {interval})",
            "loss": f"{judged['loss']:.3f}, calibration error {judged['calibration_error']:.3f}{scaled}",
            "best epoch": ", ".join(best),
            "evidence": _evidence(folder),
            "cost": cost,
            "report": _report(folder, facts["data"]["source"]),
        }
    return "\n".join(f"{name:<10} {value}" for name, value in rows.items() if value)


def _evidence(folder: "RunFolder") -> str:
    weight = folder.config().evidence.weight
    return f"n-grams have {weight:.0%} of the answer; epochs are judged without" if weight else ""


def _report(folder: "RunFolder", source: str) -> str:
    if folder.report_path.exists():
        return f"{folder.report_path}"
    return f"sentiment report {shlex.quote(f'{folder.path}')} --split validation{folder.data_option(source)}"
