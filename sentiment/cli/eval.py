"""`sentiment eval`: judge a run on labelled reviews."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import DataOption, DeviceOption, JsonOption, ThreadsOption, choose_run

if TYPE_CHECKING:
    from sentiment.evaluation import SplitEvaluation


def eval_command(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run folder; the newest by default.")
    ] = None,
    data: DataOption = None,
    split: Annotated[str, typer.Option("--split", help="The split to judge.")] = "test",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a run: accuracy with its interval, loss, F1, ROC AUC, calibration, confusion."""
    from sentiment.evaluation import evaluate_run
    from sentiment.predictor import Predictor

    path = choose_run(run)
    predictor = Predictor.load(path, device or "auto", threads or 0)
    result = evaluate_run(predictor, data, split)
    print(json.dumps({"run": str(path), **asdict(result)}) if as_json else _table(path, result))


def _table(path: Path, result: "SplitEvaluation") -> str:
    judged = result.evaluation
    auc = "undefined (one class)" if judged.roc_auc is None else f"{judged.roc_auc:.4f}"
    rows = {
        "run": str(path),
        "reviews": f"{judged.reviews:,} ({result.split} of {result.source})",
        "accuracy": f"{judged.accuracy:.2%} (95%: {judged.accuracy_low:.2%} to {judged.accuracy_high:.2%})",
        "loss": f"{judged.loss:.4f}",
        "F1": f"{judged.f1:.4f}",
        "ROC AUC": auc,
        "calibration": f"{judged.calibration_error:.4f} (expected error)",
        "confusion": f"{judged.true_positives:,} positive right, {judged.false_negatives:,} wrong; "
        f"{judged.true_negatives:,} negative right, {judged.false_positives:,} wrong",
        "speed": f"{result.reviews_per_second:,.0f} reviews/s",
    }
    return "\n".join(f"{name:<12} {value}" for name, value in rows.items())
