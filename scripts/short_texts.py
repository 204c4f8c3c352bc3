"""Judge runs on what is not a whole review: tables of short texts, first sentences, and the probe.

Each table has the columns `text` and `label` (0 or 1); if it has a column `kind` too, each kind is a row.
The first sentences are those of the run's validation reviews, with the labels of the reviews. `--shares`
tries other shares of the n-gram evidence than the run's own. Example:
python scripts/short_texts.py runs/one runs/two --texts edits.csv sentences.csv --shares 0.4 0.6
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import sentiment
from sentiment.data.lessons.sentences import first_sentences
from sentiment.data.parts import load_part
from sentiment.errors import SentimentError
from sentiment.evaluation.metrics import evaluate
from sentiment.evaluation.probe import probe
from sentiment.inference.predictor import Predictor
from sentiment.models.ensemble import Ensemble
from sentiment.system.console import quiet, say, show

PROBES = {1: "", 2: "held_out"}
"""The versions of the probe, and which half of their cases counts."""
Labelled = list[tuple[str, int]]
"""Texts, and 1 for each that is positive, else 0."""


def main() -> None:
    """Print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--texts", nargs="*", default=[], type=Path)
    parser.add_argument("--shares", nargs="*", default=[], type=float)
    given = parser.parse_args()
    tables = dict(pair for path in given.texts for pair in _read_table(path))
    for run in given.runs:
        predictor = sentiment.load(run)
        judged = {**tables, **_validation(predictor)}
        columns = [_figures(predictor, judged, share) for share in given.shares or [_share(predictor)]]
        show(run)
        for name in columns[0]:
            show(f"  {name:<36}" + "".join(f"{column[name]:>9}" for column in columns))


def _read_table(path: Path) -> Iterator[tuple[str, Labelled]]:
    """Yield the rows of each kind, by a name for them."""
    kinds: dict[str, Labelled] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = " ".join(filter(None, [path.stem, row.get("kind")]))
            kinds.setdefault(name, []).append((row["text"], int(row["label"])))
    yield from kinds.items()


def _validation(predictor: Predictor) -> dict[str, Labelled]:
    """The run's validation reviews, and the first sentence of each; nothing if they cannot be had."""
    try:
        with quiet():
            part = load_part(predictor.config, "validation", workers=2)
    except SentimentError as error:
        say(f"no validation reviews: {error}")
        return {}
    reviews = list(zip(part.texts(), part.labels_N.tolist(), strict=True))
    return {"validation": reviews, "first sentences": first_sentences(reviews)}


def _share(predictor: Predictor) -> float:
    """The share of the logit that the n-gram evidence has."""
    return predictor.model.weight if isinstance(predictor.model, Ensemble) else 0.0


def _figures(predictor: Predictor, judged: dict[str, Labelled], share: float) -> dict[str, str]:
    """Return accuracies in percent, calibration errors and pass rates with this share of evidence."""
    if isinstance(predictor.model, Ensemble):
        predictor.model.weight = share
    figures = {"share of the evidence": f"{share:.2f}"}
    for name, rows in judged.items():
        texts, labels = zip(*rows, strict=True)
        found = evaluate(predictor.logits(predictor.encode(texts)), np.array(labels))
        figures[f"{name}, {len(rows):,}"] = f"{found.accuracy:.1%}"
        figures[f"{name}, calibration error"] = f"{found.calibration_error:.3f}"
    for version, half in PROBES.items():
        for row in probe(predictor, version).capabilities:
            rate = row.halves.get(half, row)
            figures[f"probe {version}, {row.name}, {rate.cases:,}"] = f"{rate.share:.1%}"
    return figures


if __name__ == "__main__":
    main()
