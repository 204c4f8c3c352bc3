"""Choose the charts of a page, and give each a title and a caption."""

from collections.abc import Sequence
from dataclasses import dataclass

from sentiment.inference.scoring import probabilities
from sentiment.report.curves import StageCurves, stage_curves
from sentiment.report.facts import JudgedRun
from sentiment.report.score_charts import probability_chart, reliability_chart, roc_chart
from sentiment.report.training_charts import (
    accuracy_chart,
    gradient_chart,
    learning_rate_chart,
    loss_chart,
    validation_chart,
)

LEGEND_CHARACTERS = 18
"""A longer name of a run would leave no room for others in a legend."""
BAND = "The line is the mean of neighbouring steps. The band holds eight of ten steps."


@dataclass(frozen=True)
class CaptionedChart:
    """A chart as a page shows it."""

    title: str
    caption: str
    svg: str


def draw_score_charts(run: JudgedRun) -> list[CaptionedChart]:
    """Draw how well the probabilities of one run fit the labels."""
    part, logits = run.scores.part, run.scores.logits
    shown = [
        CaptionedChart(
            title="Reliability",
            caption="Accuracy at each confidence. On the dashed line both are equal. "
            "Larger dots have more reviews.",
            svg=reliability_chart({run.name: run.reliability}),
        ),
    ]
    if logits.ndim == 1:
        caption = "Reviews by their probability. A bar on the wrong side of the middle shows mistakes."
        svg = probability_chart(probabilities(logits), part.labels_N, part.class_names)
        shown.append(CaptionedChart(title="Distribution", caption=caption, svg=svg))
    if run.judged.evaluation.roc_auc is not None:
        caption = "What every other threshold would find, and how many false alarms it would raise."
        shown.append(
            CaptionedChart(title="ROC", caption=caption, svg=roc_chart({run.name: logits}, part.labels_N))
        )
    return shown


def draw_training_charts(stages: Sequence[StageCurves]) -> list[CaptionedChart]:
    """Draw how one run was trained; a run without curves has no charts."""
    classifiers = [stage for stage in stages if stage.classifies]
    others = [stage for stage in stages if not stage.classifies]
    shown = []
    if classifiers:
        shown += [
            CaptionedChart(
                title="Loss",
                caption=f"For a review's label, or for the probability a teacher gave it. {BAND}",
                svg=loss_chart("the classifier", classifiers),
            ),
            CaptionedChart(
                title="Accuracy",
                caption="After each epoch. Validation has its 95% interval.",
                svg=accuracy_chart(classifiers),
            ),
        ]
    if others:
        shown.append(
            CaptionedChart(
                title="Pretraining loss",
                caption=f"For the next word. A language model learns it before the classifier starts. {BAND}",
                svg=loss_chart("pretraining", others),
            )
        )
    if stages:
        shown += [
            CaptionedChart(
                title="Gradient norm",
                caption="Before clipping, on a logarithmic scale.",
                svg=gradient_chart(stages),
            ),
            CaptionedChart(
                title="Learning rate",
                caption="Of each step, as the schedule set it.",
                svg=learning_rate_chart(stages),
            ),
        ]
    return shown


def draw_comparison_charts(runs: Sequence[JudgedRun]) -> list[CaptionedChart]:
    """Draw the probabilities and the validation of several runs side by side."""
    names = _legend_names(runs)
    bins = dict(zip(names, (run.reliability for run in runs), strict=True))
    caption = "Accuracy at each confidence. On the dashed line both are equal."
    shown = [CaptionedChart(title="Reliability", caption=caption, svg=reliability_chart(bins))]
    if runs[0].judged.evaluation.roc_auc is not None:
        logits = dict(zip(names, (run.scores.logits for run in runs), strict=True))
        svg = roc_chart(logits, runs[0].scores.part.labels_N)
        shown.append(CaptionedChart(title="ROC", caption="What every other threshold would find.", svg=svg))
    stages = {name: stage_curves(run.metrics) for name, run in zip(names, runs, strict=True)}
    validated = {name: found for name, found in stages.items() if any(stage.best_epoch for stage in found)}
    if validated:
        caption = "During training, on the reviews held out. The classifiers of a run follow each other."
        svg = validation_chart(validated)
        shown.append(CaptionedChart(title="Validation loss", caption=caption, svg=svg))
    return shown


def _legend_names(runs: Sequence[JudgedRun]) -> list[str]:
    """Shorten names to fit a legend; number them if two runs have the same."""
    short = [_shorten_name(_replace_unprintable(run.name)) for run in runs]
    return [
        f"{name} ({short[: index + 1].count(name)})" if short.count(name) > 1 else name
        for index, name in enumerate(short)
    ]


def _shorten_name(name: str) -> str:
    return name if len(name) <= LEGEND_CHARACTERS else f"{name[:8]}…{name[-9:]}"


def _replace_unprintable(name: str) -> str:
    """Replace what XML cannot hold: a folder's name may contain control characters and broken UTF-8."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
