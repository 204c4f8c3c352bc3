"""`sentiment predict`: say of reviews whether they are positive."""

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import DeviceOption, JsonOption, ThreadsOption, choose_run
from sentiment.errors import UsageError

if TYPE_CHECKING:
    from sentiment.predictor import Prediction

CHUNK = 1024  # reviews predicted together: enough for even batches, few enough to answer soon


def predict_command(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Reviews to judge.")] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="A run folder; the newest, or the shipped model, by default.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="F", help="Reviews to judge, one a line; - reads stdin.")
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict reviews: label, probability of positive, tokens read, share of unknown ones."""
    if bool(texts) == (file is not None):
        raise UsageError("give reviews as arguments or with --file F (- for stdin), one of the two")
    from sentiment.lines import check_reviews, read_lines
    from sentiment.predictor import Predictor

    named = (
        check_reviews((f"review {number}", text) for number, text in enumerate(texts, start=1))
        if texts
        else check_reviews(read_lines(file or "-"))
    )
    predictor = Predictor.load(choose_run(run), device or "auto", threads or 0)
    for chunk in _chunks(named):
        for prediction in predictor.predict(chunk):
            print(json.dumps(asdict(prediction)) if as_json else _line(prediction))
        sys.stdout.flush()


def _chunks(texts: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(itertools.islice(texts, CHUNK)):
        yield chunk


def _line(prediction: "Prediction") -> str:
    notes = f"{prediction.tokens} tokens, {prediction.unknown:.0%} unknown" + (
        ", cut" if prediction.cut else ""
    )
    return f"{prediction.label}\t{prediction.probability:.4f}\t{notes}"
