"""Judge a run on a split of labelled reviews."""

import time
from dataclasses import dataclass

from sentiment.data.prepare import load_only_part, load_part
from sentiment.metrics import Evaluation, evaluate
from sentiment.predictor import Predictor


@dataclass(frozen=True)
class SplitEvaluation:
    """What `eval` prints."""

    source: str
    split: str
    evaluation: Evaluation
    reviews_per_second: float
    """Speed of scoring, tokenizing not counted."""


def evaluate_run(predictor: Predictor, source: str | None = None, split: str = "test") -> SplitEvaluation:
    """Score `split` of `source` (the run's own data by default) and judge it.

    `validation` is what the run held out. A `source` with a single split, such as a file, is judged on that.
    Raises DataError if there is no such split.
    """
    config, threads = predictor.config, predictor.machine.threads
    part = None
    if source is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update={"source": source})})
        part = load_only_part(config, threads)
    part = part or load_part(config, split, threads)
    reviews, labels_N = part.encode(predictor.vocabulary, config)
    start = time.perf_counter()
    logits_N = predictor.logits(reviews)
    speed = len(reviews) / (time.perf_counter() - start)
    return SplitEvaluation(config.data.source, part.name, evaluate(logits_N, labels_N), speed)
