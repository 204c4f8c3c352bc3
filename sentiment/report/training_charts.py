"""Draw charts of how models were trained."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sentiment.report.curves import Curve, StageCurves
from sentiment.report.drawing import (
    FIRST,
    SECOND,
    draw_chart,
    plot_curve,
    plot_points,
    series_style,
    show_epoch_axis,
    show_legend_above,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_chart(name: str, stages: Sequence[StageCurves]) -> str:
    """Draw training and validation loss over the epochs of stages that have the same objective."""

    def paint(axes: "Axes") -> None:
        for index, stage in enumerate(stages):
            plot_curve(axes, stage.loss, index, _series_name(stage, stages))
            validated = [
                (point.epoch, point.validation["loss"]) for point in stage.epochs if point.validation
            ]
            if validated:
                colour = _validation_colour(index, stages)
                plot_points(axes, validated, colour=colour, name=_validation_name(index))
        show_epoch_axis(axes)
        _fit_epochs(axes, stages)
        axes.set_ylabel("loss (nats)")
        show_legend_above(axes)

    last = stages[-1].epochs[-1]
    label = f"Loss of {name} over {last.epoch} epochs; the last epoch's mean is {last.train_loss:.3f}"
    return draw_chart(f"loss {name}", label, paint)


def accuracy_chart(stages: Sequence[StageCurves]) -> str:
    """Draw the accuracy after each epoch; that of validation has its 95% interval."""

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import PercentFormatter

        for index, stage in enumerate(stages):
            trained = [(point.epoch, point.train_accuracy) for point in stage.epochs]
            colour = FIRST if len(stages) == 1 else series_style(index)["color"]
            axes.plot(
                *zip(*trained, strict=True),
                color=colour,
                marker="o",
                markersize=4,
                label=_series_name(stage, stages),
            )
            _plot_validation_accuracy(axes, index, stages)
        show_epoch_axis(axes)
        _fit_epochs(axes, stages)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_ylabel("accuracy")
        show_legend_above(axes)

    listed = "; ".join(
        f"{stage.name}, epoch {point.epoch}: training {point.train_accuracy:.1%}"
        + (f", validation {point.validation['accuracy']:.1%}" if point.validation else "")
        for stage in stages
        for point in stage.epochs
    )
    return draw_chart("accuracy", f"Accuracy by epoch. {listed}", paint)


def gradient_chart(stages: Sequence[StageCurves]) -> str:
    """Draw the norm of the gradient over all steps of a run."""

    def paint_scale(axes: "Axes") -> None:
        from matplotlib.ticker import NullFormatter

        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())

    return _draw_steps("gradient norm", stages, lambda stage: stage.gradient_norm, paint_scale)


def learning_rate_chart(stages: Sequence[StageCurves]) -> str:
    """Draw the learning rate over all steps of a run."""

    def paint_scale(axes: "Axes") -> None:
        axes.ticklabel_format(axis="y", style="plain")
        axes.set_ylim(bottom=0)

    return _draw_steps("learning rate", stages, lambda stage: stage.learning_rate, paint_scale)


def validation_chart(runs: Mapping[str, Sequence[StageCurves]]) -> str:
    """Draw the validation loss over all epochs of each run, one classifier after the other."""

    def paint(axes: "Axes") -> None:
        for index, (name, stages) in enumerate(runs.items()):
            points = [point for stage in stages for point in stage.epochs]
            losses = [point.validation["loss"] for point in points if point.validation]
            axes.plot(
                range(1, len(losses) + 1), losses, **series_style(index), marker="o", markersize=4, label=name
            )
        show_epoch_axis(axes)
        axes.set_ylabel("validation loss (nats)")
        show_legend_above(axes)

    return draw_chart("validation", f"Validation loss by epoch of {', '.join(runs)}", paint)


def _draw_steps(
    name: str,
    stages: Sequence[StageCurves],
    choose_curve: Callable[[StageCurves], Curve],
    paint_scale: Callable[["Axes"], None],
) -> str:
    """Draw one curve of each stage over the steps of a run."""

    def paint(axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter

        for index, stage in enumerate(stages):
            plot_curve(axes, choose_curve(stage), index, _short_name(stage))
        paint_scale(axes)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.set_xlabel("step")
        axes.set_ylabel(name)
        if len(stages) > 1:
            show_legend_above(axes)

    ends = ((stage.name, choose_curve(stage).mean_P) for stage in stages)
    listed = "; ".join(f"{stage}: from {mean_P[0]:.2g} to {mean_P[-1]:.2g}" for stage, mean_P in ends)
    return draw_chart(name, f"{name.capitalize()} by step. {listed}", paint)


def _plot_validation_accuracy(axes: "Axes", index: int, stages: Sequence[StageCurves]) -> None:
    """Plot the validation accuracy of one of the stages, with its 95% intervals."""
    validated = [(point.epoch, point.validation) for point in stages[index].epochs if point.validation]
    if not validated:
        return
    colour = _validation_colour(index, stages)
    points = [(epoch, validation["accuracy"]) for epoch, validation in validated]
    plot_points(axes, points, colour=colour, name=_validation_name(index))
    axes.vlines(
        [epoch for epoch, _ in validated],
        [validation["accuracy_low"] for _, validation in validated],
        [validation["accuracy_high"] for _, validation in validated],
        color=colour,
        linewidth=1,
    )


def _series_name(stage: StageCurves, stages: Sequence[StageCurves]) -> str:
    return "training" if len(stages) == 1 else _short_name(stage)


def _short_name(stage: StageCurves) -> str:
    """Shorten `member 2 of 3` to `member 2`, because a legend has little room."""
    return stage.name.split(" of ")[0]


def _validation_name(index: int) -> str | None:
    """Name the validation of the first stage only: one entry of the legend is enough."""
    return "validation" if index == 0 else None


def _validation_colour(index: int, stages: Sequence[StageCurves]) -> str:
    """Return another colour for the validation of a single stage, or the colour of the stage."""
    colour: str = SECOND if len(stages) == 1 else series_style(index)["color"]
    return colour


def _fit_epochs(axes: "Axes", stages: Sequence[StageCurves]) -> None:
    axes.set_xlim(0, max(stage.epochs[-1].epoch for stage in stages) + 0.1)
