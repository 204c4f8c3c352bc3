"""The tables of numbers that commands print."""

import itertools
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from sentiment.data.text import shorten
from sentiment.system.console import escape_line

if TYPE_CHECKING:
    from sentiment.evaluation.judge import BaselineEvaluation, Comparison, SplitEvaluation
    from sentiment.evaluation.metrics import Evaluation, PairedTest
    from sentiment.evaluation.slices import Slicing

Rows = dict[str, Sequence[str]]
NAME_WIDTH = 12
MOST_CLASSES_SHOWN = 10
NO_BREAK = "\u00a0"


def evaluation_rows(judged: Mapping[str, "SplitEvaluation"]) -> Rows:
    """Return the metrics of models, by their names, on the same reviews: one column for each model."""
    first = next(iter(judged.values()))
    columns = [_metric_cells(result) for result in judged.values()]
    return {
        "model": list(map(escape_line, judged)),
        "reviews": [escape_line(f"{first.evaluation.reviews:,} ({first.split} of {first.source})")],
        **({} if first.threshold == 0.5 else {"threshold": [f"{first.threshold:.4f}"]}),
        **{name: [column[name] for column in columns] for name in columns[0]},
        **_temperature_row(first),
    }


def comparison_rows(name: str, compared: "Comparison") -> Rows:
    """Return the metrics of a run, by its name, next to those of the baseline."""
    test = compared.paired_test
    return {
        **evaluation_rows({name: compared.run, "n-gram baseline": compared.baseline}),
        "alone right": [f"{test.only_first:,} reviews", f"{test.only_second:,} reviews"],
        "McNemar": [f"{test.describe()}: {_name_better_model(name, test)}"],
        **fit_rows(compared.baseline),
    }


def _name_better_model(name: str, test: "PairedTest") -> str:
    if not test.is_significant():
        return "the difference may be chance"
    return f"{name if test.only_first > test.only_second else 'the baseline'} is better"


def fit_rows(baseline: "BaselineEvaluation") -> Rows:
    """Return what the baseline was fitted on."""
    size = f"{baseline.fit_ngrams:,} n-grams of {baseline.fit_reviews:,} reviews"
    return {"fit": [f"{size} in {baseline.fit_seconds:.1f} s"]}


def slice_rows(slicings: Sequence["Slicing"]) -> Rows:
    """Return the accuracy over slices of the split, one row for each way to slice it."""
    rows: Rows = {"accuracy by": [""]}
    indent = " " * (NAME_WIDTH + 1)
    for slicing in slicings:
        # No line break inside a slice.
        parts = [f"{part.name}: {part.accuracy:.1%}".replace(" ", NO_BREAK) for part in slicing.slices]
        text = fill("; ".join(parts), 80, initial_indent=indent, subsequent_indent=indent)
        rows["  " + slicing.by.split()[0]] = [text.replace(NO_BREAK, " ").strip()]
    return rows


def epoch_lines(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return headings and one line for each epoch of a run's metrics; language models have no accuracy."""
    lines = [
        f"{'':<24}{'train':>9}{'':>9}{'validation':>13}",
        f"{'':<24}" + f"{'loss':>9}{'accuracy':>9}" * 2,
    ]
    for record in metrics:
        if record["event"] != "epoch":
            continue
        judged = record["validation"]
        cells = [f"{record['train_loss']:.3f}"]
        cells.append("" if record["train_accuracy"] is None else f"{record['train_accuracy']:.1%}")
        cells += [f"{judged['loss']:.3f}", f"{judged['accuracy']:.1%}"] if judged else []
        name = f"{record['stage']}, epoch {record['epoch']}"
        best = "  best so far" if judged and record["is_best"] else ""
        lines.append(f"{name:<24}" + "".join(f"{cell:>9}" for cell in cells) + best)
    return [line.rstrip() for line in lines]


def parent_rows(compared: Sequence[Mapping[str, Any]]) -> Rows:
    """Return the accuracies of a run, of the run that it started from and of the baseline, row by row.

    A model that cannot be judged there has a dash.
    """
    models = {"parent": "parent", "adapted": "adapted", "baseline": "n-gram baseline"}
    rows: Rows = {"accuracy on": ["reviews", *models.values()]}
    for record in compared:
        found = (record[model] for model in models)
        cells = ["-" if accuracy is None else f"{accuracy:.1%}" for accuracy in found]
        rows[record["split"]] = [f"{record['reviews']:,}", *cells]
    return rows


def align(rows: Rows) -> str:
    """Return the rows as aligned lines; a row with a single cell may be longer."""
    columns = itertools.zip_longest(*(cells for cells in rows.values() if len(cells) > 1), fillvalue="")
    widths = [max(map(len, column)) for column in columns] or [0]
    return "\n".join(
        (f"{name:<{NAME_WIDTH}} " + "  ".join(map(str.ljust, cells, widths))).rstrip()
        for name, cells in rows.items()
    )


def confusion_rows(judged: "Evaluation") -> Rows:
    """Return the confusion matrix of three to ten classes: rows are right classes, columns are answers."""
    names = [shorten(own.name, NAME_WIDTH) for own in judged.classes]
    if not 2 < len(names) <= MOST_CLASSES_SHOWN:
        return {}
    counts = [[f"{count:,}" for count in row] for row in judged.confusion]
    widths = [max(map(len, column)) for column in zip(names, *counts, strict=True)]
    rows: Rows = {"labelled": ["  ".join(map(str.rjust, names, widths)) + "  (answers)"]}
    for name, row in zip(names, counts, strict=True):
        rows[f"  {shorten(name, NAME_WIDTH - 2)}"] = ["  ".join(map(str.rjust, row, widths))]
    return rows


def _metric_cells(result: "SplitEvaluation") -> dict[str, str]:
    judged = result.evaluation
    further = _cells_of_two(judged) if len(judged.classes) == 2 else _cells_of_more(judged)
    return {
        "accuracy": f"{judged.accuracy:.2%} (95%: {judged.accuracy_low:.2%} to {judged.accuracy_high:.2%})",
        "loss": f"{judged.loss:.4f}",
        **further,
        "speed": f"{result.reviews_per_second:,.0f} reviews/s",
    }


def _cells_of_two(judged: "Evaluation") -> dict[str, str]:
    first, second = judged.classes
    (first_right, first_wrong), (second_wrong, second_right) = judged.confusion
    return {
        "F1": f"{judged.f1:.4f}",
        "ROC AUC": "undefined (one class)" if judged.roc_auc is None else f"{judged.roc_auc:.4f}",
        "calibration": _calibration_cell(judged),
        shorten(second.name, NAME_WIDTH): f"{second_right:,} right, {second_wrong:,} wrong",
        shorten(first.name, NAME_WIDTH): f"{first_right:,} right, {first_wrong:,} wrong",
    }


def _cells_of_more(judged: "Evaluation") -> dict[str, str]:
    cells = {
        "macro F1": f"{judged.macro_f1:.4f}",
        "weighted F1": f"{judged.weighted_f1:.4f}",
        "calibration": _calibration_cell(judged),
    }
    if judged.mean_absolute_error is not None:
        kappa = "undefined" if judged.quadratic_kappa is None else f"{judged.quadratic_kappa:.4f}"
        cells |= {
            "mean error": f"{judged.mean_absolute_error:.4f} (absolute)",
            "kappa": f"{kappa} (quadratic)",
        }
    for own in judged.classes:
        scores = f"F1 {own.f1:.3f}, precision {own.precision:.1%}, recall {own.recall:.1%}"
        cells[shorten(own.name, NAME_WIDTH)] = f"{scores} of {own.support:,}"
    return cells


def _calibration_cell(judged: "Evaluation") -> str:
    return f"{judged.calibration_error:.4f} (ECE)"


def _temperature_row(result: "SplitEvaluation") -> Rows:
    if result.temperature == 1:
        return {}
    return {"temperature": [f"{result.temperature:.2f}; calibration {result.uncalibrated_error:.4f} without"]}
