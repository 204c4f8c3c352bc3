"""Draw a chart with matplotlib in the style of a report, and name its axes."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from sentiment.report.curves import Curve
from sentiment.report.svg import embed_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib needs colours as numbers. The page replaces them by variables of its style sheet.
INK, FAINT, GRID = "#010203", "#010204", "#010205"
SERIES = tuple(f"#0102{number:02x}" for number in range(16, 22))
CSS_VARIABLES = {INK: "ink", FAINT: "faint", GRID: "grid"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, start=1)
}
FIRST, SECOND = SERIES[0], SERIES[1]
LINE_STYLES = ("solid", "dashed", "dotted", "dashdot")
"""Series differ by line style as well as by colour, for readers who see few colours."""
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # the name of a run may contain dollar signs
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
WIDTH, HEIGHT = 5.0, 3.3  # inches, or 360 by 238 points: letters stay readable on a phone


def draw_chart(name: str, label: str, paint: Callable[["Axes"], None]) -> str:
    """Draw what `paint` paints; return it as an `<svg>` element of a page.

    `label` is for readers who cannot see the chart. `name` makes the ids differ from those of other charts.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(SETTINGS | {"svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        file = StringIO()
        canvas.print_svg(file)
    return embed_svg(file.getvalue(), label, CSS_VARIABLES)


# --- series --------------------------------------------------------------------------------------------


def series_style(index: int) -> dict[str, Any]:
    """Return colour and line style of the series with this index."""
    rounds, colour = divmod(index, len(SERIES))
    return {"color": SERIES[colour], "linestyle": LINE_STYLES[(index + rounds) % len(LINE_STYLES)]}


def plot_curve(axes: "Axes", curve: Curve, index: int, name: str) -> None:
    """Plot the mean of a curve as a line and its spread as a band."""
    style = series_style(index)
    axes.fill_between(curve.x_P, curve.low_P, curve.high_P, color=style["color"], alpha=0.18, linewidth=0)
    axes.plot(curve.x_P, curve.mean_P, **style, label=name)


def plot_points(axes: "Axes", points: Sequence[tuple[int, float]], *, colour: str, name: str | None) -> None:
    """Plot (x, y) pairs as squares on a dashed line; without a name they are not in the legend."""
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=colour, linestyle="dashed", marker="s", markersize=4.5, label=name)


# --- axes ----------------------------------------------------------------------------------------------


def show_percent_axes(axes: "Axes", x: str, y: str) -> None:
    """Name both axes and write their numbers as percentages."""
    from matplotlib.ticker import PercentFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def show_epoch_axis(axes: "Axes") -> None:
    """Name the x axis and mark whole epochs only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")


def show_legend_above(axes: "Axes") -> None:
    """Put the legend above the chart, in at most two columns."""
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=min(len(names), 2))
