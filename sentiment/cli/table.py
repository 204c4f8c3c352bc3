"""The tables of figures that commands print."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentiment.evaluation import BaselineEvaluation, SplitEvaluation

Rows = dict[str, Sequence[str]]


def evaluation_rows(judged: Mapping[str, "SplitEvaluation"]) -> Rows:
    """The figures of models, by their names, over the same reviews: a column a model."""
    first = next(iter(judged.values()))
    columns = [_figures(result) for result in judged.values()]
    return {
        "model": list(judged),
        "reviews": [f"{first.evaluation.reviews:,} ({first.split} of {first.source})"],
        **{name: [column[name] for column in columns] for name in columns[0]},
    }


def fit_rows(baseline: "BaselineEvaluation") -> Rows:
    """What the baseline was made of."""
    size = f"{baseline.fit_ngrams:,} n-grams of {baseline.fit_reviews:,} reviews"
    return {"fit": [f"{size} in {baseline.fit_seconds:.1f} s"]}


def align(rows: Rows) -> str:
    """Lay rows out under each other; a row with a single cell may be as long as it likes."""
    columns = itertools.zip_longest(*(cells for cells in rows.values() if len(cells) > 1), fillvalue="")
    widths = [max(map(len, column)) for column in columns] or [0]
    return "\n".join(
        f"{name:<12} " + "  ".join(map(str.ljust, cells, widths)).rstrip() for name, cells in rows.items()
    )


def _figures(result: "SplitEvaluation") -> dict[str, str]:
    judged = result.evaluation
    return {
        "accuracy": f"{judged.accuracy:.2%} (95%: {judged.accuracy_low:.2%} to {judged.accuracy_high:.2%})",
        "loss": f"{judged.loss:.4f}",
        "F1": f"{judged.f1:.4f}",
        "ROC AUC": "undefined (one class)" if judged.roc_auc is None else f"{judged.roc_auc:.4f}",
        "calibration": f"{judged.calibration_error:.4f} (expected error)",
        "positive": f"{judged.true_positives:,} right, {judged.false_negatives:,} wrong",
        "negative": f"{judged.true_negatives:,} right, {judged.false_positives:,} wrong",
        "speed": f"{result.reviews_per_second:,.0f} reviews/s",
    }
