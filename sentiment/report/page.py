"""Turn facts into one HTML page that needs nothing else: no script, no request, no other file."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sentiment.config import Config
from sentiment.data.audit import SplitFacts
from sentiment.evaluation.judge import Comparison
from sentiment.evaluation.metrics import Evaluation
from sentiment.evaluation.slices import Slicing
from sentiment.explain.page import LEGEND, STYLE
from sentiment.inference.scoring import probabilities
from sentiment.report import charts, words
from sentiment.report.curves import StageCurves, stage_curves
from sentiment.report.facts import JudgedRun, RunComparison, RunFacts
from sentiment.report.reviews import show

if TYPE_CHECKING:
    from jinja2 import Environment

TITLES = {
    "tokens": ("By length", "in tokens, about a fifth of the reviews each", "tokens"),
    "read": ("By how much of it is read", "", "the review is"),
    "unknown words": ("By unknown words", "share of the tokens read that its vocabulary lacks", "unknown"),
}


def run_page(facts: RunFacts) -> str:
    """The page of one run."""
    run = facts.run
    stages = stage_curves(run.metrics)
    judged = run.judged
    compared = facts.baseline if isinstance(facts.baseline, Comparison) else None
    audit = None if isinstance(facts.audit, str) else facts.audit
    parts = [part for slicing in run.slicings for part in slicing.slices]
    return _render(
        "run.html",
        title=f"{run.name}: {judged.evaluation.accuracy:.1%} of {judged.split} right",
        facts=facts,
        run=run,
        judged=judged,
        figures=judged.evaluation,
        verdict=words.verdict(run, compared),
        warnings=words.warnings([run]),
        compared=compared,
        baseline_rows=_baseline_rows(compared) if compared else [],
        p_value=compared.paired_test.describe() if compared else "",
        confusion=_confusion(judged.evaluation),
        slicings=[_shown_slicing(slicing) for slicing in run.slicings],
        scale=(
            math.floor(min(part.low for part in parts) * 20) / 20,
            math.ceil(max(part.high for part in parts) * 20) / 20,
        ),
        charts=_run_charts(run, stages),
        worst=[show(review) for review in facts.worst],
        wrong=judged.evaluation.false_positives + judged.evaluation.false_negatives,
        doubtful=[show(review) for review in facts.least_certain],
        legend=LEGEND,
        stages=stages,
        trained=words.how_trained(run),
        recipe=_recipe(run.config),
        data_verdict=words.data_verdict(run),
        audit_missing=facts.audit if isinstance(facts.audit, str) else "",
        **_splits(facts),
        copies=audit.copies_across if audit else {},
        environment=words.environment(run),
        versions_note=words.versions_note(run),
        written=words.written(run),
    )


def comparison_page(compared: RunComparison) -> str:
    """The page of several runs."""
    runs, judged = compared.runs, compared.runs[0].judged
    lengths = [next(slicing for slicing in run.slicings if slicing.by == "tokens") for run in runs]
    title, note, _ = TITLES["tokens"]
    return _render(
        "comparison.html",
        title=", ".join(run.name for run in runs),
        runs=runs,
        judged=judged,
        compared=compared,
        verdict=words.comparison_verdict(compared),
        warnings=words.warnings(runs),
        charts=_comparison_charts(runs),
        slicings=[
            {
                "title": title,
                "note": note,
                "names": [part.name for part in lengths[0].slices],
                "rows": [
                    {"name": run.name, "slices": slicing.slices}
                    for run, slicing in zip(runs, lengths, strict=True)
                ],
            }
        ],
        written=words.written(runs[0]),
    )


# --- what is shown -------------------------------------------------------------------------------------


def _baseline_rows(compared: Comparison) -> list[dict[str, Any]]:
    models = (compared.run.evaluation, compared.baseline.evaluation)
    test = compared.paired_test
    cells = {
        "accuracy": [f"{model.accuracy:.2%}" for model in models],
        "95%": [f"{model.accuracy_low:.1%} to {model.accuracy_high:.1%}" for model in models],
        "loss": [f"{model.loss:.3f}" for model in models],
        "ROC AUC": ["undefined" if model.roc_auc is None else f"{model.roc_auc:.4f}" for model in models],
        "calibration error": [f"{model.calibration_error:.3f}" for model in models],
        "alone right on": [f"{count:,}" for count in (test.only_first, test.only_second)],
    }
    return [{"name": name, "cells": row} for name, row in cells.items()]


def _confusion(judged: Evaluation) -> list[dict[str, Any]]:
    rows = [
        ("negative", judged.true_negatives, judged.false_positives, "right", "wrong"),
        ("positive", judged.false_negatives, judged.true_positives, "wrong", "right"),
    ]
    return [
        {
            "label": f"{label} reviews",
            "cells": [
                {"reviews": count, "share": count / max(1, negative + positive), "kind": kind}
                for count, kind in ((negative, first), (positive, second))
            ],
        }
        for label, negative, positive, first, second in rows
    ]


def _shown_slicing(slicing: Slicing) -> dict[str, Any]:
    title, note, column = TITLES[slicing.by]
    return {"title": title, "note": note, "column": column, "slices": slicing.slices}


def _run_charts(run: JudgedRun, stages: Sequence[StageCurves]) -> dict[str, Any]:
    labels_N, logits_N = run.scores.part.labels_N, run.scores.logits_N
    return {
        "reliability": _markup(charts.reliability_chart({run.name: run.reliability})),
        "probabilities": _markup(charts.probability_chart(probabilities(logits_N), labels_N)),
        "roc": _markup(charts.roc_chart({run.name: logits_N}, labels_N))
        if run.judged.evaluation.roc_auc is not None
        else None,
        "training": _training_charts(stages),
    }


def _training_charts(stages: Sequence[StageCurves]) -> list[dict[str, Any]]:
    classifiers = [stage for stage in stages if stage.classifies]
    others = [stage for stage in stages if not stage.classifies]
    band = "The line is the mean of neighbouring steps, eight tenths of them lie in the band."
    shown = []
    if classifiers:
        shown += [
            (
                "Loss",
                f"Of a review's label, or of a teacher's probability. {band}",
                charts.loss_chart("the classifier", classifiers),
            ),
            (
                "Accuracy",
                "After each epoch; of validation with its interval.",
                charts.accuracy_chart(classifiers),
            ),
        ]
    if others:
        text = f"Of a word that a language model predicts, before its classifier learns. {band}"
        shown.append(("Pretraining loss", text, charts.loss_chart("pretraining", others)))
    if stages:
        shown += [
            ("Gradient norm", "Before clipping, on a logarithmic scale.", charts.gradient_chart(stages)),
            ("Learning rate", "Of each step, as the schedule set it.", charts.learning_rate_chart(stages)),
        ]
    return [{"title": title, "text": text, "svg": _markup(svg)} for title, text, svg in shown]


def _comparison_charts(runs: Sequence[JudgedRun]) -> list[dict[str, Any]]:
    labels_N = runs[0].scores.part.labels_N
    names = _distinct_names(runs)
    shown = [
        (
            "Reliability",
            "How often each is right at each confidence; on the dashed line the two agree.",
            charts.reliability_chart(dict(zip(names, (run.reliability for run in runs), strict=True))),
        )
    ]
    if runs[0].judged.evaluation.roc_auc is not None:
        logits = dict(zip(names, (run.scores.logits_N for run in runs), strict=True))
        shown.append(("ROC", "What every other threshold would find.", charts.roc_chart(logits, labels_N)))
    stages = {name: stage_curves(run.metrics) for name, run in zip(names, runs, strict=True)}
    curves = {name: own for name, own in stages.items() if any(stage.best_epoch for stage in own)}
    if curves:
        text = "While each was trained, on the reviews it held out; its classifiers one after the other."
        shown.append(("Validation loss", text, charts.validation_chart(curves)))
    return [{"title": title, "text": text, "svg": _markup(svg)} for title, text, svg in shown]


def _distinct_names(runs: Sequence[JudgedRun]) -> list[str]:
    """Names that fit a legend, numbered where two runs have the same."""
    short = [run.name if len(run.name) <= 18 else f"{run.name[:8]}…{run.name[-9:]}" for run in runs]
    return [
        f"{name} ({short[: index + 1].count(name)})" if short.count(name) > 1 else name
        for index, name in enumerate(short)
    ]


def _recipe(config: Config) -> dict[str, list[dict[str, Any]]]:
    usual = Config().settings()
    sections: dict[str, list[dict[str, Any]]] = {}
    for name, value in config.settings().items():
        section, _, key = name.rpartition(".")
        row = {"key": key, "value": _setting(value), "is_default": value == usual[name]}
        sections.setdefault(section or "run", []).append(row)
    return sections


def _setting(value: Any) -> str:
    if value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def _splits(facts: RunFacts) -> dict[str, Any]:
    """The table of the run's own splits, and before them the one that was judged if it is not of them."""
    own = [] if isinstance(facts.audit, str) else facts.audit.splits
    is_among_them = facts.run.scores.is_own_data and any(split.split == facts.split.split for split in own)
    splits = own if is_among_them else [facts.split, *own]
    names = [split.split for split in splits]
    if not is_among_them:
        names[0] = f"judged ({names[0]})"
    rows = [_split_cells(split) for split in splits]
    return {
        "splits": [{"name": name} for name in names],
        "split_rows": [{"name": name, "cells": [row[name] for row in rows]} for name in rows[0]],
    }


def _split_cells(split: SplitFacts) -> dict[str, str]:
    return {
        "reviews": f"{split.reviews:,}",
        "positive": "unlabelled" if split.positive_share is None else f"{split.positive_share:.1%}",
        "median length in tokens": f"{split.median_length:,.0f}",
        "95% have at most": f"{split.long_length:,.0f}",
        "longest": f"{split.longest:,}",
        "cut": f"{split.cut_share:.1%}",
        "unknown words": f"{split.unknown_share:.1%}",
        "copies of others": f"{split.copies:,}",
        "with <br />": f"{split.break_share:.1%}",
    }


# --- the template --------------------------------------------------------------------------------------


def _render(template: str, **values: Any) -> str:
    environment = _environment_of_templates()
    style = environment.get_template("style.css").render()
    page = environment.get_template(template).render(style=_markup(style + STYLE), **values)
    return "\n".join(line.strip() for line in page.splitlines() if line.strip()) + "\n"


def _environment_of_templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sentiment.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share, digits: f"{share:.{digits}%}"
    environment.filters["at"] = lambda share, scale: f"{(share - scale[0]) / (scale[1] - scale[0]):.4f}"
    environment.filters["setting"] = _setting
    return environment


def _markup(html: str) -> Any:
    from markupsafe import Markup

    return Markup(html)
