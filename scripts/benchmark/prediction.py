"""Prediction with the shipped model: its two ways to score, and texts with their tokenizing."""

import itertools
from collections.abc import Callable, Sequence

import sentiment
from sentiment.config import Config
from sentiment.data.reviews import load_reviews
from sentiment.inference.bulk_scoring import score_in_bulk
from sentiment.inference.predictor import REVIEWS_AT_A_TIME, Predictor
from sentiment.inference.scoring import score
from sentiment.system.device import Machine

from .tables import print_table
from .ways import Way, measure

SINGLE_REVIEWS = 20


def prediction_ways(model: Predictor, chunks: Sequence[list[str]]) -> dict[str, Way]:
    """Return ways to predict one chunk after the other; each returns how many reviews it had."""
    encoded = [model.encode(chunk) for chunk in chunks]

    def score_next(scorer: Callable[..., object]) -> Way:
        turns = itertools.cycle(encoded)

        def step() -> int:
            reviews = next(turns)
            scorer(model.model, reviews, model.machine)
            return len(reviews)

        return step

    def predict_next(together: int) -> Way:
        """Predict `SINGLE_REVIEWS` of a chunk one by one, or a whole chunk together."""
        turns = itertools.cycle(chunks)

        def step() -> int:
            texts = next(turns) if together > 1 else next(turns)[:SINGLE_REVIEWS]
            for start in range(0, len(texts), together):
                model.predict(texts[start : start + together])
            return len(texts)

        return step

    return {
        "modules": score_next(score),
        "in bulk": score_next(score_in_bulk),
        "in bulk, with tokenizing": predict_next(REVIEWS_AT_A_TIME),
        "one review at a time": predict_next(1),
    }


def compare_prediction(config_of: Callable[..., Config], machine: Machine, rounds: int) -> None:
    """Print E."""
    texts = list(load_reviews(config_of(None).data, ("train",))["train"].texts)
    size = min(REVIEWS_AT_A_TIME, max(1, len(texts) // (rounds + 1)))
    chunks = [texts[start : start + size] for start in range(0, size * (rounds + 1), size)]
    speed = measure(prediction_ways(sentiment.load(device="cpu", threads=machine.threads), chunks), rounds)
    print(f"E. Prediction with the shipped model, {size:,} reviews at a time\n")
    rows = [[name, f"{value:,.0f}", f"{speed['in bulk'] / value:.2f}"] for name, value in speed.items()]
    print_table(["way", "reviews/s", "in bulk / way"], rows)
