"""`sentiment predict`: say whether reviews are positive, how sure the model is, and why."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from sentiment.cli.bulk_options import (
    AddressOption,
    EngineOption,
    WorkersOption,
    is_bulk,
    make_job,
    require_files,
)
from sentiment.cli.decision_options import (
    ThresholdOption,
    UnsureOption,
    choose_decision,
    parse_range,
    parse_threshold,
)
from sentiment.cli.options import (
    RUN_HELP,
    DeviceOption,
    ForceOption,
    JsonOption,
    ThreadsOption,
    choose_run,
)
from sentiment.cli.table_options import takes_table_options
from sentiment.config.shell import quote_path, quote_word
from sentiment.data.text import shorten
from sentiment.errors import UsageError
from sentiment.system.console import escape_line, say, show, show_json

if TYPE_CHECKING:
    from sentiment.bulk.worker import Job
    from sentiment.explain.explanation import Explanation
    from sentiment.inference.lines import Line, UnusableLines
    from sentiment.inference.predictor import Prediction, Predictor
    from sentiment.inference.tables import Written

BAD_ARGUMENT_REMEDY = "give it some text, or leave it out with --skip-bad-rows"
BAD_ROW_REMEDY = "mend it, or leave out --strict"
DASHED_REVIEW = re.compile(r"-\d|-.*\s")
TextsArgument = Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Reviews to predict.")]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN", help=RUN_HELP)]
FileOption = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="F",
        help="Reviews to predict: a text file with one a line, a .jsonl file or a table; - reads stdin.",
    ),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show what each token and sentence adds to the logit.")
]
ExplainClassOption = Annotated[
    str | None,
    typer.Option(
        "--explain-class",
        metavar="NAME",
        help="Explain this class; by default positive (the second of two classes), of more the likeliest.",
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="PAGE", help="Write the explanations to an HTML page.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the table of --file with the predictions to a csv, tsv, jsonl or parquet file.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="End at the first review that cannot be predicted.")
]
FastOption = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="Score in bfloat16, if the device has instructions for it: logits change by 0.1 at most.",
    ),
]


@takes_table_options
def predict_command(
    texts: TextsArgument = None,
    run: RunOption = None,
    file: FileOption = None,
    explain: ExplainOption = False,
    explain_class: ExplainClassOption = None,
    html: HtmlOption = None,
    out: OutOption = None,
    strict: StrictOption = False,
    fast: FastOption = False,
    threshold: ThresholdOption = None,
    unsure: UnsureOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    force: ForceOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    table: Sequence[str] = (),
) -> None:
    """Predict reviews: label, how sure the model is of it, tokens read, share of unknown tokens."""
    if bool(texts) == (file is not None):
        raise UsageError("give reviews either as arguments or with --file F (- for stdin)")
    decision = parse_threshold(threshold), parse_range(unsure)
    explains = explain or explain_class is not None or html is not None
    if is_bulk(engine, address, workers):
        files = require_files(file, out, has_other_output=explains or as_json, is_fast=fast)
        job = make_job(run, decision, table, strict=strict, device=device, threads=threads)
        predict_files(*files, job, address, workers, force=force)
        return
    from sentiment.inference.lines import number_texts
    from sentiment.inference.reading import LineStream, read_lines
    from sentiment.inference.tables import predict_lines, predict_table
    from sentiment.runs.table_settings import table_settings

    check_texts(texts or ())
    check_combination(out, explains=explains, as_json=as_json, fast=fast)
    check_outputs(html, out, file, force)
    predictor = load_predictor(run, device, threads, fast=fast)
    predictor.decision = choose_decision(predictor.class_names, predictor.decision, *decision)
    settings = table_settings(predictor.config, predictor.facts, file or "-", table)
    if out is not None and file not in (None, "-"):
        tell_written(predict_table(predictor, Path(file or ""), settings, out, strict=strict), out)
        return
    source = (
        LineStream(number_texts(texts))
        if texts
        else read_lines(file or "-", settings, as_table=out is not None)
    )
    if out is not None:
        tell_written(predict_lines(predictor, source, settings, out, strict=strict), out)
        return
    lines = select_lines(source, skips=settings.skip_bad_rows, strict=strict, are_typed=bool(texts))
    if explains:
        marks = explain or html is None
        print_explained(predictor, lines, explain_class, shows_marks=marks, page=html, as_json=as_json)
        return
    print_predictions(predictor, lines, source.is_idle, as_json=as_json, warns=file is not None)


def load_predictor(run: str | None, device: str | None, threads: int | None, *, fast: bool) -> "Predictor":
    """Load a run; if it is to be `fast` and cannot be, say so."""
    from sentiment.inference.predictor import Predictor

    predictor = Predictor.load(choose_run(run), device or "auto", threads or 0)
    if fast and not predictor.use_bfloat16():
        say(f"--fast: {predictor.machine.device} cannot compute in bfloat16; scoring in float32")
    return predictor


def predict_files(
    pattern: str, out: Path, job: "Job", address: str | None, workers: int | None, *, force: bool
) -> None:
    """Predict many files on workers, and say what was written."""
    from sentiment.bulk.ray_engine import Workers
    from sentiment.bulk.score import score_files

    scored = score_files(pattern, out, job, Workers(address, workers), force=force)
    say(f"{scored.files:,} files are finished")
    tell_written(scored.written, out)


def select_lines(lines: "Iterable[Line]", *, skips: bool, strict: bool, are_typed: bool) -> "Iterable[Line]":
    """Return the reviews to answer: all, or those that can be predicted, or all before the first that cannot.

    A review that is typed must be one that can be predicted.
    """
    from sentiment.inference.lines import check_lines, skip_bad_lines

    if skips:
        return skip_bad_lines(lines)
    if strict or are_typed:
        return check_lines(lines, BAD_ARGUMENT_REMEDY if are_typed else BAD_ROW_REMEDY)
    return lines


def check_combination(out: Path | None, *, explains: bool, as_json: bool, fast: bool) -> None:
    """Raise UsageError if options do not go together."""
    if out is not None and (explains or as_json):
        raise UsageError("--out goes without --explain, --html and --json; leave one of them out")
    if fast and explains:
        raise UsageError("--fast goes without --explain and --html; leave one of them out")


def check_outputs(html: Path | None, out: Path | None, file: str | None, force: bool) -> None:
    """Raise UsageError unless what is named can be written, and is not the file that is read."""
    from sentiment.inference.reading import refuse_input
    from sentiment.inference.tables import check_out
    from sentiment.system.storage import check_free

    if html is not None:
        refuse_input("--html", html, file)
        check_free(html, force)
    if out is not None:
        check_out(out, file, force)


def check_texts(texts: Iterable[str]) -> None:
    """Raise UsageError if an argument that should be a review names a run or a file."""
    from sentiment.runs.locate import looks_like_run

    for text in texts:
        if looks_like_run(text):
            raise UsageError(f"{text} is a run, not a review; name it with --run")
        if is_file(text):
            raise UsageError(
                f"{shorten(text)} is a file, not a review; did you mean --file {quote_path(text)}?"
            )


class PredictCommand(TyperCommand):
    """The command, which takes a review that begins with a dash for an option, and says so."""

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:
        """Parse the arguments; raises UsageError if a review is taken for an option."""
        given = list(arguments)
        try:
            return super().parse_args(context, arguments)
        except Exception as error:
            review = next(filter(DASHED_REVIEW.match, given), None)
            if review is None or not hasattr(error, "option_name"):
                raise
            raise UsageError(
                "a review that begins with a dash is taken for an option; put -- before the reviews: "
                f"sentiment predict -- {quote_word(shorten(review))}"
            ) from None


def is_file(text: str) -> bool:
    """Whether an argument is the path of a file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long, or with characters that no path has
        return False


def print_predictions(
    predictor: "Predictor",
    lines: Iterable["Line"],
    is_idle: Callable[[], bool],
    *,
    as_json: bool,
    warns: bool,
) -> None:
    """Print a line for each review; `is_idle` says whether the next may take long.

    If it `warns`, say at the end whether the model can hardly read the texts.
    """
    from sentiment.data.readability import ReadingCheck
    from sentiment.inference.in_place import predict_each
    from sentiment.inference.lines import UnusableLines

    labels: Counter[str] = Counter()
    bad = UnusableLines()
    check = ReadingCheck(predictor.config.text.language)
    for line, prediction in predict_each(predictor, lines, is_idle):
        if prediction is None:
            show_unpredicted(predictor, line, as_json=as_json)
            bad.add(line)
            continue
        if as_json:
            show_json(json_fields(prediction, line.label))
        else:
            show(escape_line(prediction_line(prediction, line.label)))
        labels[prediction.label] += 1
        check.add(line.text, prediction.tokens, prediction.unknown)
    tell_unpredicted(bad)
    tell_unreadable(labels)
    for warning in check.warnings() if warns else ():
        say(f"warning: {warning}")


def print_explained(
    predictor: "Predictor",
    lines: Iterable["Line"],
    class_name: str | None,
    *,
    shows_marks: bool,
    page: Path | None,
    as_json: bool,
) -> None:
    """Print predictions, with their marked reviews if `shows_marks`; write them all to `page`.

    `class_name` is the class to explain, as `explain_reviews` takes it.
    """
    from rich.console import Console

    from sentiment.explain.explanation import explain_reviews
    from sentiment.explain.marks import name_explained
    from sentiment.explain.page import explanation_page
    from sentiment.explain.terminal import print_explanation, print_legend
    from sentiment.inference.lines import UnusableLines
    from sentiment.system.storage import write_file

    console = Console(soft_wrap=False, highlight=False, markup=False)
    explanations, right_labels = [], []
    labels: Counter[str] = Counter()
    bad = UnusableLines()
    explained = set()
    for line in lines:
        if line.flaw:
            show_unpredicted(predictor, line, as_json=as_json)
            bad.add(line)
            continue
        (explanation,) = explain_reviews(predictor, [line.text], class_name)
        labels[explanation.prediction.label] += 1
        if page is not None:
            explanations.append(explanation)
            right_labels.append(line.label)
        if as_json:
            show_json(json_fields(explanation if shows_marks else explanation.prediction, line.label))
            continue
        show(escape_line(prediction_line(explanation.prediction, line.label)))
        if shows_marks:
            print_explanation(explanation, console)
            explained.add(explanation.explained_class)
    if explained:
        print_legend(console, name_explained(explained))
    if page is not None:
        write_file(page, explanation_page(explanations, right_labels).encode())
        say(f"wrote {page}")
    tell_unpredicted(bad)
    tell_unreadable(labels)


def tell_written(written: "Written", out: Path) -> None:
    """Say on stderr how many rows were written with which labels, and which were not predicted."""
    counts = [f"{count:,} {label}" for label, count in written.labels.most_common()]
    if written.unpredicted:
        counts.append(f"{written.unpredicted:,} not predicted")
    say(f"wrote {out}: {written.rows:,} rows" + (f" ({', '.join(counts)})" if counts else ""))
    for flaw in written.flaws:
        say(f"not predicted: {flaw}")
    if written.unpredicted > len(written.flaws):
        say("not predicted: and others, with the reason in the last column")
    tell_unreadable(written.labels)


def tell_unpredicted(bad: "UnusableLines") -> None:
    """Say on stderr which reviews were not predicted, if there are any."""
    if bad.count:
        say(f"not predicted: {bad.describe()}")


def tell_unreadable(labels: Counter[str]) -> None:
    """Say on stderr how many reviews are unreadable, if any are; `labels` counts the predicted ones."""
    if unreadable := labels["unreadable"]:
        total = f"{labels.total():,} review" + ("s" if labels.total() > 1 else "")
        say(f"{unreadable:,} of {total} unreadable: the model knows next to none of the words")


def json_fields(found: "Prediction | Explanation", label: str | None) -> dict[str, Any]:
    """Return a prediction or an explanation for JSON, with the correct label if it is known."""
    return found.to_dict() | ({"right_label": label} if label else {})


def show_unpredicted(predictor: "Predictor", line: "Line", *, as_json: bool) -> None:
    """Print the line of a review that cannot be predicted: its fields are empty, the last one says why."""
    from sentiment.inference.in_place import unpredicted_dict

    if as_json:
        show_json(unpredicted_dict(predictor.class_names, line.flaw))
    else:
        show(f"\t\tnot predicted: {line.flaw}")


def prediction_line(prediction: "Prediction", label: str | None) -> str:
    """Return label, confidence and notes, separated by tabs; `label` is the correct one if it is known."""
    from sentiment.inference.wording import confidence_cell

    notes = [f"{prediction.tokens} tokens", f"{prediction.unknown:.0%} unknown"]
    if prediction.cut:
        notes.append("cut")
    if prediction.doubt:
        notes.append(f"doubt: {prediction.doubt}")
    if label:
        notes.append(f"labelled {label}")
    return f"{prediction.label}\t{confidence_cell(prediction)}\t{', '.join(notes)}"
