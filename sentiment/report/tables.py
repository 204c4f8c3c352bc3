"""Turn facts into the rows and cells of a page's tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentiment.config import Config
from sentiment.data.audit import SplitFacts
from sentiment.data.text import shorten
from sentiment.evaluation.judge import Comparison
from sentiment.evaluation.metrics import Evaluation
from sentiment.evaluation.slices import Slicing
from sentiment.report.facts import JudgedRun, RunFacts

SLICING_TITLES = {
    "tokens": ("By length", "in tokens, about a fifth of the reviews each", "tokens"),
    "read": ("By how much is read", "", "the review is"),
    "unknown words": ("By unknown words", "share of the tokens read", "unknown"),
}
"""Title, note and first column of a table."""


def baseline_rows(compared: Comparison) -> list[dict[str, Any]]:
    """List the figures of the run and of the baseline."""
    models = (compared.run.evaluation, compared.baseline.evaluation)
    test = compared.paired_test
    cells = {
        "accuracy": [f"{model.accuracy:.2%}" for model in models],
        "95%": [f"{model.accuracy_low:.1%} to {model.accuracy_high:.1%}" for model in models],
        "loss": [f"{model.loss:.3f}" for model in models],
        **_ranking_cells(models),
        "calibration error": [f"{model.calibration_error:.3f}" for model in models],
        "only this one correct": [f"{count:,}" for count in (test.only_first, test.only_second)],
    }
    return [{"name": name, "cells": row} for name, row in cells.items()]


def _ranking_cells(models: Sequence[Evaluation]) -> dict[str, list[str]]:
    """Return the figure beside accuracy and loss: the ROC AUC of two classes, the macro F1 of more."""
    if len(models[0].classes) > 2:
        return {"macro F1": [f"{model.macro_f1:.4f}" for model in models]}
    return {"ROC AUC": ["undefined" if model.roc_auc is None else f"{model.roc_auc:.4f}" for model in models]}


def confusion_rows(judged: Evaluation) -> list[dict[str, Any]]:
    """List for each class how many of its reviews were given each label."""
    return [
        {
            "label": f"{own.name} reviews",
            "cells": [
                {
                    "reviews": count,
                    "share": count / max(1, own.support),
                    "kind": "right" if answer == number else "wrong",
                }
                for answer, count in enumerate(judged.confusion[number])
            ],
        }
        for number, own in enumerate(judged.classes)
    ]


def figure_cells(judged: Evaluation) -> list[dict[str, str]]:
    """List the figures that depend on the number of classes, each with its name and a note."""
    if len(judged.classes) == 2:
        area = {"value": "undefined", "note": "one class only"}
        if judged.roc_auc is not None:
            area = {"value": f"{judged.roc_auc:.4f}", "note": "0.5 is chance level"}
        second = {"name": "F1", "value": f"{judged.f1:.4f}", "note": f"of {judged.classes[1].name}"}
        return [second, {"name": "ROC AUC", **area}]
    majority = max(own.support for own in judged.classes) / judged.reviews
    cells = [
        {"name": "macro F1", "value": f"{judged.macro_f1:.4f}", "note": "mean over classes"},
        {"name": "majority share", "value": f"{majority:.1%}", "note": "of the largest class"},
    ]
    if judged.mean_absolute_error is not None:
        kappa = "" if judged.quadratic_kappa is None else f"quadratic kappa {judged.quadratic_kappa:.3f}"
        cells.append({"name": "mean error", "value": f"{judged.mean_absolute_error:.3f}", "note": kappa})
    return cells


def slicing_table(slicing: Slicing) -> dict[str, Any]:
    """Name a table of accuracies over parts of the split."""
    title, note, column = SLICING_TITLES[slicing.by]
    return {"title": title, "note": note, "column": column, "slices": slicing.slices}


def length_comparison_table(runs: list[JudgedRun]) -> dict[str, Any]:
    """List the accuracies of several runs by length of the reviews."""
    title, note, _ = SLICING_TITLES["tokens"]
    lengths = [next(slicing for slicing in run.slicings if slicing.by == "tokens") for run in runs]
    return {
        "title": title,
        "note": note,
        "names": [part.name for part in lengths[0].slices],
        "rows": [
            {"name": run.name, "slices": slicing.slices} for run, slicing in zip(runs, lengths, strict=True)
        ],
    }


def recipe_sections(config: Config) -> dict[str, list[dict[str, Any]]]:
    """List the keys of each section of a configuration."""
    defaults = Config().settings()
    sections: dict[str, list[dict[str, Any]]] = {}
    for name, value in config.settings().items():
        section, _, key = name.rpartition(".")
        row = {"key": key, "value": format_setting(value), "is_default": value == defaults[name]}
        sections.setdefault(section or "run", []).append(row)
    return sections


def format_setting(value: Any) -> str:
    """Return the value of a key in words."""
    if value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def splits_table(facts: RunFacts) -> dict[str, Any]:
    """List the facts of the run's own splits; the judged split comes first if it is another one."""
    splits = [] if isinstance(facts.audit, str) else facts.audit.splits
    names = [split.split for split in splits]
    if not (facts.run.scores.is_own_data and facts.split.split in names):
        splits = [facts.split, *splits]
        names = [f"judged ({facts.split.split})", *names]
    rows = [split_cells(split) for split in splits]
    return {
        "names": names,
        "rows": [{"name": name, "cells": [row[name] for row in rows]} for name in rows[0]],
    }


def _list_shares(shares: Mapping[str, float]) -> str:
    """Return the share of each class; of two, the share of the second one."""
    listed = list(shares.items())[1:] if len(shares) == 2 else shares.items()
    return ", ".join(f"{share:.1%} {shorten(name, 20)}" for name, share in listed)


def split_cells(split: SplitFacts) -> dict[str, str]:
    """Return the figures of a split as text; `sentiment prepare` prints them, too."""
    return {
        "reviews": f"{split.reviews:,}",
        "classes": "unlabelled" if split.class_shares is None else _list_shares(split.class_shares),
        "median tokens": f"{split.median_length:,.0f}",
        "95% have at most": f"{split.long_length:,.0f}",
        "longest": f"{split.longest:,}",
        "cut": f"{split.cut_share:.1%}",
        "unknown words": f"{split.unknown_share:.1%}",
        "copies": f"{split.copies:,}",
        "with <br />": f"{split.break_share:.1%}",
    }
