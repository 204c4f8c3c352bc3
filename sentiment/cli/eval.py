"""`sentiment eval`: judge a run on labelled reviews."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentiment.cli.options import (
    DataOption,
    DeviceOption,
    ForceOption,
    JsonOption,
    RunArgument,
    SplitOption,
    ThreadsOption,
    choose_run,
)
from sentiment.cli.table import align, comparison_rows, evaluation_rows, slice_rows
from sentiment.errors import UsageError
from sentiment.system.console import say

if TYPE_CHECKING:
    from sentiment.config import DataSettings
    from sentiment.evaluation.judge import JudgedReview
    from sentiment.inference.predictor import Predictor


def eval_command(
    run: RunArgument = None,
    data: DataOption = None,
    split: SplitOption = None,
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline", help="Judge a linear n-gram model of the run's training reviews beside it."
        ),
    ] = False,
    threshold: Annotated[
        str,
        typer.Option(
            "--threshold", metavar="P", help="Positive is what lies above P; best: chosen on validation."
        ),
    ] = "0.5",
    errors: Annotated[
        Path | None,
        typer.Option("--errors", metavar="FILE", help="Write the mistakes as JSON lines, the worst first."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Score 50 reviews in every way there is; they must agree.")
    ] = False,
    force: ForceOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a run: accuracy with its interval, loss, F1, ROC AUC, calibration, confusion."""
    from sentiment.evaluation.judge import compare_with_baseline, mistakes, score_run, slice_scores
    from sentiment.evaluation.parity import check_parity
    from sentiment.inference.predictor import Predictor
    from sentiment.runs import run_title
    from sentiment.system import storage

    if baseline and threshold != "0.5":
        raise UsageError("--threshold moves the run alone; leave it out to compare with --baseline")
    if errors is not None:
        storage.check_free(errors, force)
    path = choose_run(run)
    predictor = Predictor.load(path, device or "auto", threads or 0)
    cut = _threshold(predictor, threshold, data)
    scores = score_run(predictor, data, split)
    result = scores.judge(cut)
    slicings = slice_scores(predictor, scores, cut)
    name = run_title(path)
    record = {"run": str(path), **asdict(result), "slices": [asdict(slicing) for slicing in slicings]}
    rows = evaluation_rows({name: result})
    if baseline:
        say("fitting the baseline")
        compared = compare_with_baseline(predictor, scores)
        record |= {"baseline": asdict(compared.baseline), "paired_test": asdict(compared.paired_test)}
        rows = comparison_rows(name, compared)
    rows |= slice_rows(slicings)
    if errors is not None:
        wrong = mistakes(predictor, scores, cut)
        lines = (json.dumps(_as_row(one, predictor.config.data)) + "\n" for one in wrong)
        storage.write_file(errors, "".join(lines).encode())
        rows["mistakes"] = [f"{len(wrong):,} in {errors}"]
    if check:
        parity = check_parity(predictor, path, scores)
        record["parity"] = asdict(parity)
        rows["check"] = [f"{parity.reviews} reviews alone, together, by command: within {parity.largest:.1g}"]
    print(json.dumps(record) if as_json else align(rows))
    if check:
        parity.require()


def _as_row(review: "JudgedReview", columns: "DataSettings") -> dict[str, Any]:
    """A mistake with its text and label in the columns where the run's data have them."""
    return {
        "position": review.position,
        "prediction": asdict(review.prediction),
        columns.label_column: review.label,
        columns.text_column: review.text,
    }


def _threshold(predictor: "Predictor", given: str, source: str | None) -> float:
    from sentiment.evaluation.judge import choose_threshold

    if given == "best":
        return choose_threshold(predictor, source)
    try:
        threshold = float(given)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise UsageError(f"--threshold takes best or a probability from 0 to 1, not {given}")
    return threshold
