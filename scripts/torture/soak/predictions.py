"""A million predictions through one process."""

import random
from collections.abc import Iterator
from pathlib import Path

from sentiment.inference.predictor import Predictor

from ..bench import FILLER, Bench
from ..children import fork
from .memory import held_bytes, print_measurements, require_flat

BOUND = 8.0  # MiB for a million predictions
MEASUREMENTS = 40
SECONDS = 0.01  # the longest that a prediction may take on average
UNSEEN = 0.1  # the share of words that no other text has


def predict_many(count: int, folder: Path) -> str:
    """Predict generated texts; raises AssertionError if memory grows. Return what was measured."""
    run = Bench(folder / "bench").whole
    ended = fork(lambda: _predict(run, count), folder / "predicted").wait(60 + SECONDS * count)
    return require_flat(ended, f"{count:,} predictions", bound=BOUND, unit="a million")


def _predict(run: Path, count: int) -> int:
    """Predict in this process, and print the memory after equal numbers of predictions."""
    predictor = Predictor.load(run, device="cpu", threads=1)
    every = max(1, count // MEASUREMENTS)
    millions, held = [], []
    for number, _ in enumerate(predictor.predict_stream(_texts(count)), start=1):
        if number % every == 0:
            millions.append(number / 1e6)
            held.append(held_bytes())
    print_measurements(millions, held)
    return 0


def _texts(count: int) -> Iterator[str]:
    generator = random.Random(11)
    for number in range(count):
        words = generator.choices(FILLER, k=generator.randint(1, 40))
        yield " ".join(f"w{number}" if generator.random() < UNSEEN else word for word in words)
