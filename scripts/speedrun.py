"""Draw the curve of accuracy over training time: recipes, each with some seeds, and the linear model.

Each seed holds out other films, on which all models are judged. Finished runs are kept and stopped ones are
resumed, so you can run the script again at any time. Example:
python scripts/speedrun.py imdb-fast imdb --seeds 1 2 3 --data FOLDER --chart curve.svg
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sentiment.cli.guard import guard
from sentiment.config import override, read_config
from sentiment.config.catalogue import find_config
from sentiment.data.parts import load_part
from sentiment.evaluation.baseline import fit_baseline
from sentiment.evaluation.metrics import evaluate
from sentiment.system.console import say
from sentiment.training.run import train_or_resume

LINEAR = "linear model"


class Trained(NamedTuple):
    """A model of one seed, judged on the films that the seed held out."""

    name: str
    minutes: float
    """What its training took; tokenizing is not counted."""
    accuracy: float
    calibration_error: float


def main() -> None:
    """Parse the options, train what is missing, and end with the exit code of a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--data", default="stanfordnlp/imdb", help="the reviews: a hub name, folder or file")
    parser.add_argument("--runs", type=Path, default=Path("runs/speedrun"), help="the folder for the runs")
    parser.add_argument("--chart", type=Path, help="the SVG file for the curve")
    given = parser.parse_args()
    sys.exit(guard(lambda: compare(given.recipes, given.seeds, given.data, given.runs, given.chart)))


def compare(recipes: Sequence[str], seeds: Sequence[int], data: str, runs: Path, chart: Path | None) -> None:
    """Train every recipe with every seed in `runs`; print a table, and draw the chart if asked."""
    trained = [_fit_linear(seed, data) for seed in seeds]
    for recipe in recipes:
        trained += [_train(recipe, seed, data, runs) for seed in seeds]
    names = list(dict.fromkeys(one.name for one in trained))
    print("| model | minutes | validation accuracy: mean (each seed) | calibration error |")
    print("| --- | --- | --- | --- |")
    for name in names:
        print(_row([one for one in trained if one.name == name]))
    if chart is not None:
        _draw_curve(trained, names, chart)
        say(f"wrote {chart}")


def _train(recipe: str, seed: int, data: str, runs: Path) -> Trained:
    say(f"--- {recipe}, seed {seed}")
    config = read_config(find_config(recipe), [override("data.source", data), f"seed={seed}"])
    name = Path(recipe).stem
    result = train_or_resume(config, runs / f"{name}-{seed}").facts["result"]
    judged = result["validation"]
    return Trained(name, result["seconds"] / 60, judged["accuracy"], judged["calibration_error"])


def _fit_linear(seed: int, data: str) -> Trained:
    say(f"--- {LINEAR}, seed {seed}")
    config = read_config(None, [override("data.source", data), f"seed={seed}"])
    train, validation = (load_part(config, split, workers=2) for split in ("train", "validation"))
    baseline = fit_baseline(train, seed)
    judged = evaluate(baseline.logits(validation), validation.labels_N)
    return Trained(LINEAR, baseline.seconds / 60, judged.accuracy, judged.calibration_error)


def _row(seeds: Sequence[Trained]) -> str:
    """Return the line of a model in the table."""
    accuracies = [one.accuracy for one in seeds]
    each = ", ".join(f"{accuracy:.1%}" for accuracy in accuracies)
    minutes, error = (np.mean(column) for column in zip(*[(one[1], one[3]) for one in seeds], strict=True))
    return f"| {seeds[0].name} | {minutes:.1f} | {np.mean(accuracies):.2%} ({each}) | {error:.3f} |"


def _draw_curve(trained: Sequence[Trained], names: Sequence[str], path: Path) -> None:
    """Draw each model's accuracy over its minutes; a bar reaches from its lowest to its highest seed."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        own = [one for one in trained if one.name == name]
        minutes, accuracies = np.mean([one.minutes for one in own]), [one.accuracy for one in own]
        mean = float(np.mean(accuracies))
        reach = [[mean - min(accuracies)], [max(accuracies) - mean]]
        axes.errorbar([minutes], [mean], yerr=reach, marker="o", capsize=3)
        axes.annotate(name, (float(minutes), mean), xytext=(6, 6), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("validation accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
