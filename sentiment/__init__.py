"""Train, judge and use an exact, fast LSTM sentiment model for reviews.

import sentiment
model = sentiment.load()  # the shipped model, or a run: sentiment.load("runs/imdb-1")
model.predict(["This film is not terrible, it's great!"])
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sentiment.inference.predictor import Predictor

__all__ = ["load"]


def load(path: "str | Path | None" = None, device: str = "auto", threads: int = 0) -> "Predictor":
    """Open a finished run folder, or the shipped model; see `sentiment.inference.predictor.Predictor`."""
    from sentiment.inference.predictor import Predictor
    from sentiment.runs import SHIPPED

    return Predictor.load(path or SHIPPED, device, threads)
