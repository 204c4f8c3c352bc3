"""Train, judge and use an exact, fast LSTM sentiment model for reviews.

import sentiment
model = sentiment.load("runs/imdb-1")
model.predict(["This film is not terrible, it's great!"])
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sentiment.predictor import Predictor

__all__ = ["load"]


def load(path: "str | Path", device: str = "auto", threads: int = 0) -> "Predictor":
    """Open a finished run folder for prediction; see `sentiment.predictor.Predictor`."""
    from sentiment.predictor import Predictor

    return Predictor.load(path, device, threads)
