"""`sentiment eval`: judge a run on labelled reviews."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import DataOption, DeviceOption, JsonOption, SplitOption, ThreadsOption, choose_run
from sentiment.cli.table import align, evaluation_rows, fit_rows
from sentiment.console import say

if TYPE_CHECKING:
    from sentiment.evaluation import Comparison


def eval_command(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="A run folder; the newest, or the shipped model, by default."),
    ] = None,
    data: DataOption = None,
    split: SplitOption = "test",
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline", help="Judge a linear n-gram model of the run's training reviews beside it."
        ),
    ] = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a run: accuracy with its interval, loss, F1, ROC AUC, calibration, confusion."""
    from sentiment.evaluation import compare_with_baseline, evaluate_run
    from sentiment.predictor import Predictor

    path = choose_run(run)
    predictor = Predictor.load(path, device or "auto", threads or 0)
    if not baseline:
        result = evaluate_run(predictor, data, split)
        record = {"run": str(path), **asdict(result)}
        print(json.dumps(record) if as_json else align(evaluation_rows({str(path): result})))
        return
    say("fitting the baseline")
    found = compare_with_baseline(predictor, data, split)
    others = asdict(found)
    record = {"run": str(path), **others.pop("run"), **others}
    print(json.dumps(record) if as_json else _comparison(path, found))


def _comparison(path: Path, found: "Comparison") -> str:
    test = found.paired_test
    rows = evaluation_rows({path.resolve().name: found.run, "n-gram baseline": found.baseline})
    rows["only right"] = [f"{test.only_first:,} reviews", f"{test.only_second:,} reviews"]
    rows["McNemar"] = [f"p = {test.p_value:.2g} (exact, two-sided)"]
    return align(rows | fit_rows(found.baseline))
