"""`sentiment predict`: say of reviews whether they are positive, and why."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import (
    RUN_HELP,
    DeviceOption,
    ForceOption,
    JsonOption,
    ThreadsOption,
    choose_run,
)
from sentiment.errors import UsageError
from sentiment.system.console import say

if TYPE_CHECKING:
    from sentiment.inference.lines import Line
    from sentiment.inference.predictor import Prediction, Predictor


def predict_command(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Reviews to judge.")] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help=RUN_HELP)] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="F",
            help="Reviews to judge, one a line (- reads stdin) or those of a .jsonl or a table.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each token and sentence adds to the logit.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PAGE", help="Write the explanations as a page.")
    ] = None,
    force: ForceOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict reviews: label, probability of positive, tokens read, share of unknown ones."""
    if bool(texts) == (file is not None):
        raise UsageError("give reviews as arguments or with --file F (- for stdin), one of the two")
    from sentiment.inference.lines import check_lines, number_texts, read_lines
    from sentiment.inference.predictor import Predictor
    from sentiment.runs.locate import looks_like_run
    from sentiment.system.storage import check_free

    for text in texts or ():
        if looks_like_run(text):
            raise UsageError(f"{text} is a run, no review; name it with --run")
    if html is not None:
        check_free(html, force)
    predictor = Predictor.load(choose_run(run), device or "auto", threads or 0)
    lines = check_lines(number_texts(texts) if texts else read_lines(file or "-", predictor.config.data))
    if explain or html is not None:
        _explain(predictor, lines, explain, html, as_json)
        return
    lines, read_ahead = itertools.tee(lines)
    for prediction, line in zip(
        predictor.predict_stream(line.text for line in read_ahead), lines, strict=True
    ):
        print(
            json.dumps(asdict(prediction) | _right(line)) if as_json else _said(prediction, line), flush=True
        )


def _explain(
    predictor: "Predictor", lines: Iterable["Line"], is_shown: bool, page: Path | None, as_json: bool
) -> None:
    """Print predictions, with their explanations if `is_shown`, and write the page if there is to be one."""
    from rich.console import Console

    from sentiment.explain.explanation import explain
    from sentiment.explain.highlight import html_page, print_explanation, print_legend
    from sentiment.system.storage import write_file

    console = Console(soft_wrap=False, highlight=False, markup=False)
    explanations, labels = [], []
    has_marks = False
    for line in lines:
        (explanation,) = explain(predictor, [line.text])
        if page is not None:
            explanations.append(explanation)
            labels.append(line.label)
        if as_json:
            shown = explanation if is_shown else explanation.prediction
            print(json.dumps(asdict(shown) | _right(line)), flush=True)
            continue
        print(_said(explanation.prediction, line), flush=True)
        if is_shown:
            print_explanation(explanation, console)
            has_marks = True
    if has_marks:
        print_legend(console)
    if page is not None:
        write_file(page, html_page(explanations, labels).encode())
        say(f"wrote {page}")


def _right(line: "Line") -> dict[str, str]:
    return {"right_label": line.label} if line.label else {}


def _said(prediction: "Prediction", line: "Line") -> str:
    notes = [f"{prediction.tokens} tokens", f"{prediction.unknown:.0%} unknown"]
    notes += ["cut"] if prediction.cut else []
    notes += [f"labelled {line.label}"] if line.label else []
    return f"{prediction.label}\t{prediction.probability:.4f}\t{', '.join(notes)}"
