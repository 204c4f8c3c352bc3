"""`sentiment eval`: judge a run on labelled reviews."""

import json
from collections.abc import Sequence
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
    parse_probability,
)
from sentiment.cli.table import align, comparison_rows, confusion_rows, evaluation_rows, slice_rows
from sentiment.cli.table_options import takes_table_options
from sentiment.errors import UsageError
from sentiment.system.console import say, show, show_json

if TYPE_CHECKING:
    from sentiment.evaluation.judge import Scores
    from sentiment.inference.predictor import Predictor

BaselineOption = Annotated[
    bool,
    typer.Option(
        "--baseline", help="Also judge a linear n-gram model that is fitted on the run's training reviews."
    ),
]
ThresholdOrBestOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="P",
        help="A review is positive (the second of two classes) above this probability; best: chosen on "
        "validation.",
    ),
]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="Keep the threshold next to the run: predict then uses it.")
]
ErrorsOption = Annotated[
    Path | None,
    typer.Option("--errors", metavar="FILE", help="Write the mistakes as JSON lines, the worst first."),
]
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check", help="Score 50 reviews alone, together and with the command predict: all must agree."
    ),
]


@takes_table_options
def eval_command(
    run: RunArgument = None,
    data: DataOption = None,
    split: SplitOption = None,
    baseline: BaselineOption = False,
    threshold: ThresholdOrBestOption = None,
    keep: KeepOption = False,
    errors: ErrorsOption = None,
    check: CheckOption = False,
    force: ForceOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    table: Sequence[str] = (),
) -> None:
    """Judge a run: accuracy with its interval, loss, F1, calibration, confusion."""
    given = read_threshold(threshold, keep=keep, baseline=baseline)
    from sentiment.evaluation.judge import choose_threshold, compare_with_baseline, score_run, slice_scores
    from sentiment.evaluation.parity import check_parity
    from sentiment.evaluation.run_data import RunData
    from sentiment.inference.predictor import Predictor
    from sentiment.runs import run_title
    from sentiment.runs.decision import keep_threshold, require_keepable
    from sentiment.system import storage

    if errors is not None:
        storage.check_free(errors, force)
    path = choose_run(run)
    if keep:
        require_keepable(path)
    predictor = Predictor.load(path, device or "auto", threads or 0)
    reviews = RunData(predictor, data, table)
    chosen = choose_threshold(predictor, reviews, given)
    scores = score_run(predictor, reviews, split)
    result, slicings = scores.judge(chosen), slice_scores(predictor, scores, chosen)
    record = {"run": str(path), **asdict(result), "slices": [asdict(slicing) for slicing in slicings]}
    rows = evaluation_rows({run_title(path): result})
    if baseline:
        say("fitting the baseline")
        compared = compare_with_baseline(predictor, scores)
        record |= {"baseline": asdict(compared.baseline), "paired_test": asdict(compared.paired_test)}
        rows = comparison_rows(run_title(path), compared)
    rows |= confusion_rows(result.evaluation) | slice_rows(slicings)
    if errors is not None:
        count = write_mistakes(errors, predictor, scores, chosen)
        rows["mistakes"] = [f"{count:,} in {errors}"]
    if check:
        parity = check_parity(predictor, path, scores)
        record["parity"] = asdict(parity)
        rows["check"] = [f"{parity.reviews} reviews alone, together, by command: within {parity.largest:.1g}"]
    if keep:
        kept = keep_threshold(path, chosen, "best on validation" if given is None else "given")
        rows["kept"] = [f"{chosen:.4g} in {kept}; predict uses it"]
        record["kept"] = str(kept)
    if as_json:
        show_json(record)
    else:
        show(align(rows))
    if check:
        parity.require()


def read_threshold(threshold: str | None, *, keep: bool, baseline: bool) -> float | None:
    """Return the threshold to judge by, or None for `best`; raises UsageError if options contradict it."""
    from sentiment.runs.decision import DEFAULT_THRESHOLD

    given = DEFAULT_THRESHOLD if threshold is None else parse_threshold(threshold)
    if keep and threshold is None:
        raise UsageError("--keep keeps a threshold; name it: --threshold best, or --threshold P")
    if baseline and given != DEFAULT_THRESHOLD:
        raise UsageError("--threshold and --baseline do not go together; leave one of them out")
    return given


def parse_threshold(given: str) -> float | None:
    """Return the probability that was given, or None for `best`; raises UsageError for anything else."""
    if given == "best":
        return None
    return parse_probability(given, "--threshold takes best or a probability")


def write_mistakes(file: Path, predictor: "Predictor", scores: "Scores", threshold: float) -> int:
    """Write a JSON line per mistake, in the columns of the run's data; return how many there are."""
    from sentiment.evaluation.judge import mistakes
    from sentiment.runs.table_settings import own_table
    from sentiment.system import storage

    columns = own_table(predictor.config, predictor.facts)
    rows: list[dict[str, Any]] = [
        {
            "position": review.position,
            "prediction": review.prediction.to_dict(),
            columns.label: review.label,
            columns.text: review.text,
        }
        for review in mistakes(predictor, scores, threshold)
    ]
    storage.write_file(file, "".join(json.dumps(row) + "\n" for row in rows).encode())
    return len(rows)
