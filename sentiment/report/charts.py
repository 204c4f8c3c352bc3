"""Draw the charts of a report as SVG that sits in a page: its colours and letters are the page's own."""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment.evaluation.metrics import ReliabilityBin, wilson_interval
from sentiment.report.curves import Curve, StageCurves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib draws in these, and each becomes a variable of the page's style sheet, light or dark.
INK, FAINT, GRID = "#010203", "#010204", "#010205"
SERIES = tuple(f"#0102{number:02x}" for number in range(16, 22))
VARIABLES = {INK: "ink", FAINT: "faint", GRID: "grid"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, start=1)
}
LINES = ("solid", "dashed", "dotted", "dashdot")
"""Series differ by these as well as by colour; there are more series than colours only in a crowd."""
MAIN, SECOND = SERIES[0], SERIES[1]
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a run's name may hold dollars
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 13,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0,
}
WIDTH, HEIGHT = 5.0, 3.3  # inches: 360 by 238 points, so letters keep their size on a phone
CURVE_POINTS = 160


# --- a model's scores ----------------------------------------------------------------------------------


def roc_chart(logits: Mapping[str, np.ndarray], labels_N: np.ndarray) -> str:
    """True against false positive rate of each model at every threshold, of reviews of both classes."""
    from sklearn.metrics import roc_auc_score, roc_curve

    areas = {name: float(roc_auc_score(labels_N, logits_N)) for name, logits_N in logits.items()}

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="dashed")
        for index, (name, logits_N) in enumerate(logits.items()):
            false_rate_K, true_rate_K, _ = roc_curve(labels_N, logits_N)
            kept = np.unique(np.linspace(0, len(false_rate_K) - 1, CURVE_POINTS).round().astype(int))
            axes.plot(false_rate_K[kept], true_rate_K[kept], **_line(index), label=name)
        _shares(axes, x="negative reviews called positive", y="positive reviews found")
        if len(logits) > 1:
            axes.legend(*axes.get_legend_handles_labels(), loc="lower right")
        else:
            axes.text(0.97, 0.06, f"area {next(iter(areas.values())):.4f}", ha="right")

    told = "; ".join(f"{name} {area:.4f}" for name, area in areas.items())
    return _draw("roc", f"ROC curve; area under it: {told}", paint)


def reliability_chart(models: Mapping[str, Sequence[ReliabilityBin]]) -> str:
    """Accuracy against confidence; a calibrated model lies on the diagonal."""

    def paint(axes: "Axes") -> None:
        axes.plot([0.5, 1], [0.5, 1], color=FAINT, linewidth=1, linestyle="dashed")
        for index, (name, bins) in enumerate(models.items()):
            confidence = [bin.confidence for bin in bins]
            accuracy = [bin.accuracy for bin in bins]
            axes.plot(confidence, accuracy, **_line(index), label=name)
            most = max(bin.reviews for bin in bins)
            sizes = [14 + 90 * bin.reviews / most for bin in bins]
            axes.scatter(confidence, accuracy, s=sizes, color=_line(index)["color"], linewidths=0)
            if len(models) == 1:
                ends = [wilson_interval(round(bin.accuracy * bin.reviews), bin.reviews) for bin in bins]
                axes.vlines(confidence, *zip(*ends, strict=True), color=_line(index)["color"], linewidth=1)
        _shares(axes, x="confidence", y="accuracy")
        axes.set_xlim(0.49, 1.01)
        axes.set_ylim(max(-0.03, min(0.45, axes.get_ylim()[0])), 1.03)
        if len(models) > 1:
            _legend_above(axes)

    told = "; ".join(
        f"{name}: " + ", ".join(f"{bin.accuracy:.0%} right at {bin.confidence:.0%}" for bin in bins)
        for name, bins in models.items()
    )
    return _draw("reliability", f"Reliability diagram. {told}", paint)


def probability_chart(positive_N: np.ndarray, labels_N: np.ndarray) -> str:
    """How often each probability was given, positive reviews upwards, negative ones downwards."""
    edges = np.linspace(0, 1, 21)
    up, down = (np.histogram(positive_N[labels_N == label], edges)[0] for label in (1, 0))

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter

        axes.bar(edges[:-1], up, width=0.044, align="edge", color=MAIN, label="positive reviews")
        axes.bar(edges[:-1], -down, width=0.044, align="edge", color=SECOND, label="negative reviews")
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.axvline(0.5, color=FAINT, linewidth=1, linestyle="dashed")
        axes.set_xlabel("probability of positive")
        axes.set_ylabel("reviews")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{abs(count):,.0f}"))
        axes.grid(axis="x", visible=False)
        axes.margins(x=0.02)
        _legend_above(axes)

    sure = float(((positive_N < 0.1) | (positive_N > 0.9)).mean())
    label = f"Histogram of probabilities; {sure:.0%} of the reviews lie below 0.1 or above 0.9"
    return _draw("probabilities", label, paint)


# --- training ------------------------------------------------------------------------------------------


def loss_chart(name: str, stages: Sequence[StageCurves]) -> str:
    """Loss over epochs of stages with the same objective, with that of validation where there is one."""

    def paint(axes: "Axes") -> None:
        for index, stage in enumerate(stages):
            _plot_curve(axes, stage.loss, index, "training" if len(stages) == 1 else _short(stage))
            judged = [(point.epoch, point.validation["loss"]) for point in stage.epochs if point.validation]
            if judged:
                colour = SECOND if len(stages) == 1 else _line(index)["color"]
                _plot_points(axes, judged, colour, "validation" if index == 0 else None)
        _epochs(axes, stages)
        axes.set_ylabel("loss (nats)")
        _legend_above(axes)

    last = stages[-1].epochs[-1]
    label = f"Loss of {name} over {last.epoch} epochs; the last epoch's mean is {last.train_loss:.3f}"
    return _draw(f"loss {name}", label, paint)


def accuracy_chart(stages: Sequence[StageCurves]) -> str:
    """Accuracy after each epoch; validation with its 95% interval."""

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import PercentFormatter

        for index, stage in enumerate(stages):
            own, other = (MAIN, SECOND) if len(stages) == 1 else (_line(index)["color"],) * 2
            trained = [(point.epoch, point.train_accuracy) for point in stage.epochs]
            name = "training" if len(stages) == 1 else _short(stage)
            axes.plot(*zip(*trained, strict=True), color=own, marker="o", markersize=4, label=name)
            judged = [(point.epoch, point.validation) for point in stage.epochs if point.validation]
            if judged:
                _plot_points(
                    axes,
                    [(epoch, found["accuracy"]) for epoch, found in judged],
                    other,
                    "validation" if index == 0 else None,
                )
                low, high = ([found[f"accuracy_{end}"] for _, found in judged] for end in ("low", "high"))
                axes.vlines([epoch for epoch, _ in judged], low, high, color=other, linewidth=1)
        _epochs(axes, stages)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylabel("accuracy")
        _legend_above(axes)

    told = "; ".join(
        f"{stage.name}, epoch {point.epoch}: training {point.train_accuracy:.1%}"
        + (f", validation {point.validation['accuracy']:.1%}" if point.validation else "")
        for stage in stages
        for point in stage.epochs
    )
    return _draw("accuracy", f"Accuracy by epoch. {told}", paint)


def gradient_chart(stages: Sequence[StageCurves]) -> str:
    """Norm of the gradient over all steps of a run."""
    return _steps_chart("gradient norm", stages, lambda stage: stage.gradient_norm, logarithmic=True)


def learning_rate_chart(stages: Sequence[StageCurves]) -> str:
    """Learning rate over all steps of a run."""
    return _steps_chart("learning rate", stages, lambda stage: stage.learning_rate, logarithmic=False)


def validation_chart(runs: Mapping[str, Sequence[StageCurves]]) -> str:
    """Validation loss over the epochs of each run, and of its classifiers one after the other."""

    def paint(axes: "Axes") -> None:
        for index, (name, stages) in enumerate(runs.items()):
            points = [point for stage in stages for point in stage.epochs if point.validation]
            losses = [point.validation["loss"] for point in points if point.validation]
            axes.plot(range(1, len(losses) + 1), losses, **_line(index), marker="o", markersize=4, label=name)
        _whole_numbers(axes)
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation loss (nats)")
        _legend_above(axes)

    return _draw("validation", f"Validation loss by epoch of {', '.join(runs)}", paint)


def _steps_chart(
    name: str, stages: Sequence[StageCurves], curve: Callable[[StageCurves], Curve], logarithmic: bool
) -> str:
    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        for index, stage in enumerate(stages):
            _plot_curve(axes, curve(stage), index, _short(stage))
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda norm, _: f"{norm:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.ticklabel_format(axis="y", style="plain")
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.set_xlabel("step")
        axes.set_ylabel(name)
        if len(stages) > 1:
            _legend_above(axes)

    told = "; ".join(
        f"{stage.name}: from {curve(stage).mean_P[0]:.2g} to {curve(stage).mean_P[-1]:.2g}"
        for stage in stages
    )
    return _draw(name, f"{name.capitalize()} by step. {told}", paint)


# --- drawing -------------------------------------------------------------------------------------------


def _draw(name: str, label: str, paint: Callable[["Axes"], None]) -> str:
    """An `<svg>` with `label` for those who cannot see it; `name` keeps its ids apart from other charts'."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(SETTINGS | {"svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        file = StringIO()
        canvas.print_svg(file, metadata={"Date": None})
    return _for_page(file.getvalue(), label)


def _for_page(svg: str, label: str) -> str:
    """Take out what only a file of its own needs, and let the page choose colours and letters."""
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    body = svg[svg.index(">", view.end()) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # the same in every chart
    body = re.sub(r" font-family: [^;\"]*;", "", body)
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), body)  # not in texts
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    return f'<svg class="chart" {view[0]} role="img" aria-label="{escape(label)}">{_squeeze(body)}'


def _squeeze(svg: str) -> str:
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip())


def _line(index: int) -> dict[str, Any]:
    """How the line of the `index`-th series looks."""
    rounds, colour = divmod(index, len(SERIES))
    return {"color": SERIES[colour], "linestyle": LINES[(index + rounds) % len(LINES)]}


def _plot_curve(axes: "Axes", curve: Curve, index: int, name: str) -> None:
    line = _line(index)
    axes.fill_between(curve.x_P, curve.low_P, curve.high_P, color=line["color"], alpha=0.18, linewidth=0)
    axes.plot(curve.x_P, curve.mean_P, **line, label=name)


def _plot_points(axes: "Axes", points: Sequence[tuple[int, float]], colour: str, name: str | None) -> None:
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=colour, linestyle="dashed", marker="s", markersize=4.5, label=name)


def _short(stage: StageCurves) -> str:
    """`member 2` of `member 2 of 3`: a legend has little room."""
    return stage.name.split(" of ")[0]


def _epochs(axes: "Axes", stages: Sequence[StageCurves]) -> None:
    _whole_numbers(axes)
    axes.set_xlabel("epoch")
    axes.set_xlim(0, max(stage.epochs[-1].epoch for stage in stages) + 0.1)


def _whole_numbers(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _shares(axes: "Axes", x: str, y: str) -> None:
    from matplotlib.ticker import PercentFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _legend_above(axes: "Axes") -> None:
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=min(len(names), 2))
