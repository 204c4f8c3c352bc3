"""Draw charts of the scores that models gave to reviews."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentiment.data.text import shorten
from sentiment.evaluation.metrics import ReliabilityBin, wilson_interval
from sentiment.report.drawing import (
    FAINT,
    FIRST,
    SECOND,
    draw_chart,
    series_style,
    show_legend_above,
    show_percent_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROC_POINTS = 160


def roc_chart(logits: Mapping[str, np.ndarray], labels_N: np.ndarray) -> str:
    """Draw the true positive rate of each model over its false positive rate; both classes are needed."""
    from sklearn.metrics import roc_auc_score, roc_curve

    areas = {name: float(roc_auc_score(labels_N, logits_N)) for name, logits_N in logits.items()}

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="dashed")
        for index, (name, logits_N) in enumerate(logits.items()):
            false_rate_K, true_rate_K, _ = roc_curve(labels_N, logits_N)
            kept = np.unique(np.linspace(0, len(false_rate_K) - 1, ROC_POINTS).round().astype(int))
            axes.plot(false_rate_K[kept], true_rate_K[kept], **series_style(index), label=name)
        show_percent_axes(axes, x="negative reviews called positive", y="positive reviews found")
        if len(logits) > 1:
            axes.legend(*axes.get_legend_handles_labels(), loc="lower right")
        else:
            axes.text(0.97, 0.06, f"area {next(iter(areas.values())):.4f}", ha="right")

    listed = "; ".join(f"{name} {area:.4f}" for name, area in areas.items())
    return draw_chart("roc", f"ROC curve; area under it: {listed}", paint)


def reliability_chart(models: Mapping[str, Sequence[ReliabilityBin]]) -> str:
    """Draw accuracy over confidence; a calibrated model lies on the diagonal."""

    def paint(axes: "Axes") -> None:
        axes.plot([0.5, 1], [0.5, 1], color=FAINT, linewidth=1, linestyle="dashed")
        for index, (name, bins) in enumerate(models.items()):
            _plot_reliability(axes, bins, index, name)
            if len(models) == 1:
                _plot_intervals(axes, bins)
        show_percent_axes(axes, x="confidence", y="accuracy")
        axes.set_xlim(0.49, 1.01)
        axes.set_ylim(max(-0.03, min(0.45, axes.get_ylim()[0])), 1.03)
        if len(models) > 1:
            show_legend_above(axes)

    listed = "; ".join(
        f"{name}: " + ", ".join(f"{bin.accuracy:.0%} correct at {bin.confidence:.0%}" for bin in bins)
        for name, bins in models.items()
    )
    return draw_chart("reliability", f"Reliability diagram. {listed}", paint)


def _plot_reliability(axes: "Axes", bins: Sequence[ReliabilityBin], index: int, name: str) -> None:
    """Plot a line through the bins of a model, with larger dots for more reviews."""
    confidence = [bin.confidence for bin in bins]
    accuracy = [bin.accuracy for bin in bins]
    most_reviews = max(bin.reviews for bin in bins)
    sizes = [14 + 90 * bin.reviews / most_reviews for bin in bins]
    axes.plot(confidence, accuracy, **series_style(index), label=name)
    axes.scatter(confidence, accuracy, s=sizes, color=series_style(index)["color"], linewidths=0)


def _plot_intervals(axes: "Axes", bins: Sequence[ReliabilityBin]) -> None:
    """Plot the 95% interval of each bin's accuracy."""
    intervals = [wilson_interval(round(bin.accuracy * bin.reviews), bin.reviews) for bin in bins]
    axes.vlines([bin.confidence for bin in bins], *zip(*intervals, strict=True), color=FIRST, linewidth=1)


def probability_chart(positive_N: np.ndarray, labels_N: np.ndarray, class_names: Sequence[str]) -> str:
    """Draw a histogram of probabilities: reviews of the second of two classes upwards, others downwards."""
    first, second = (shorten(name, 20) for name in class_names)
    edges = np.linspace(0, 1, 21)
    up, down = (np.histogram(positive_N[labels_N == label], edges)[0] for label in (1, 0))

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter

        axes.bar(edges[:-1], up, width=0.044, align="edge", color=FIRST, label=f"{second} reviews")
        axes.bar(edges[:-1], -down, width=0.044, align="edge", color=SECOND, label=f"{first} reviews")
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.axvline(0.5, color=FAINT, linewidth=1, linestyle="dashed")
        axes.set_xlabel(f"probability of {second}")
        axes.set_ylabel("reviews")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{abs(count):,.0f}"))
        axes.grid(axis="x", visible=False)
        axes.margins(x=0.02)
        show_legend_above(axes)

    extreme = float(((positive_N < 0.1) | (positive_N > 0.9)).mean())
    label = f"Histogram of probabilities; {extreme:.0%} of the reviews lie below 0.1 or above 0.9"
    return draw_chart("probabilities", label, paint)
