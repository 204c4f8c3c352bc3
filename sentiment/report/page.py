"""Put together the page of one run, and the page that compares several."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from sentiment.evaluation.judge import Comparison
from sentiment.evaluation.slices import Slicing
from sentiment.explain.page import legend
from sentiment.report import words
from sentiment.report.charts import draw_comparison_charts, draw_score_charts, draw_training_charts
from sentiment.report.curves import stage_curves
from sentiment.report.facts import RunComparison, RunFacts
from sentiment.report.render import render_page
from sentiment.report.reviews import prepare_review
from sentiment.report.tables import (
    baseline_rows,
    confusion_rows,
    figure_cells,
    length_comparison_table,
    recipe_sections,
    slicing_table,
    splits_table,
)


def run_page(facts: RunFacts) -> str:
    """Return the page of one run."""
    run, judged = facts.run, facts.run.judged
    stages = stage_curves(run.metrics)
    compared = facts.baseline if isinstance(facts.baseline, Comparison) else None
    return render_page(
        "run.html",
        title=f"{run.name}: {judged.evaluation.accuracy:.1%} of {judged.split} correct",
        facts=facts,
        run=run,
        judged=judged,
        figures=judged.evaluation,
        summary=words.run_summary(run, compared),
        warnings=words.list_warnings([run]),
        compared=compared,
        baseline_rows=baseline_rows(compared) if compared else [],
        p_value=compared.paired_test.describe() if compared else "",
        figure_cells=figure_cells(judged.evaluation),
        confusion=confusion_rows(judged.evaluation),
        slicings=[slicing_table(slicing) for slicing in run.slicings],
        scale=_accuracy_scale(run.slicings),
        score_charts=draw_score_charts(run),
        worst=[prepare_review(review) for review in facts.worst],
        wrong=round(judged.evaluation.reviews * (1 - judged.evaluation.accuracy)),
        doubtful=[prepare_review(review) for review in facts.least_certain],
        legend=Markup(legend(one.explanation for one in [*facts.worst, *facts.least_certain])),
        training_charts=draw_training_charts(stages),
        stages=stages,
        training=words.training_summary(run),
        recipe=recipe_sections(run.config),
        data=words.data_summary(run),
        audit_missing=facts.audit if isinstance(facts.audit, str) else "",
        splits=splits_table(facts),
        copies={} if isinstance(facts.audit, str) else facts.audit.copies_across,
        environment=words.environment_rows(run),
        versions_note=words.versions_note(run),
        written=words.writing_note(run),
    )


def comparison_page(compared: RunComparison) -> str:
    """Return the page of several runs."""
    runs = compared.runs
    return render_page(
        "comparison.html",
        title=", ".join(run.name for run in runs),
        runs=runs,
        judged=runs[0].judged,
        compared=compared,
        summary=words.comparison_summary(compared),
        warnings=words.list_warnings(runs),
        charts=draw_comparison_charts(runs),
        lengths=length_comparison_table(runs),
        written=words.writing_note(runs[0]),
    )


def _accuracy_scale(slicings: Sequence[Slicing]) -> tuple[float, float]:
    """Return the ends of a scale that holds the intervals of all parts, in steps of 5%."""
    parts = [part for slicing in slicings for part in slicing.slices]
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    return math.floor(low * 20) / 20, math.ceil(high * 20) / 20
