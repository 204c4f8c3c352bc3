"""Predict reviews line by line: each line gets its answer in its place, also one that cannot be predicted."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sentiment.inference.lines import Line
from sentiment.inference.predictor import Prediction, Predictor, figure_names

PLACEHOLDER = "."  # is predicted for a review that cannot be, so that each line has a prediction to wait for


def predict_each(
    predictor: Predictor, lines: Iterable[Line], is_idle: Callable[[], bool]
) -> Iterator[tuple[Line, Prediction | None]]:
    """Yield each line with its prediction, or with None if it has a flaw; memory stays flat.

    `is_idle` says whether the next line may take long: those before it are then predicted now.
    """
    lines, read_ahead = itertools.tee(lines)
    texts = (PLACEHOLDER if line.flaw else line.text for line in read_ahead)
    for line, prediction in zip(lines, predictor.predict_stream(texts, is_idle), strict=True):
        yield line, None if line.flaw else prediction


def unpredicted_dict(class_names: Iterable[str], flaw: str) -> dict[str, Any]:
    """Return what takes the place of `Prediction.to_dict` for a review that cannot be predicted."""
    names = ("label", *figure_names(class_names), "tokens", "unknown", "cut")
    return {**dict.fromkeys(names), "doubt": flaw}
