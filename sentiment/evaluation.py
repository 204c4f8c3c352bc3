"""Judge a run, the linear baseline, or the one beside the other on a split of labelled reviews."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentiment.baseline import Baseline, fit_baseline
from sentiment.config import Config
from sentiment.data.prepare import Part, load_only_part, load_part
from sentiment.metrics import Evaluation, PairedTest, evaluate, mcnemar
from sentiment.predictor import Predictor


@dataclass(frozen=True)
class SplitEvaluation:
    """What a model is worth on one split."""

    source: str
    split: str
    evaluation: Evaluation
    reviews_per_second: float
    """Speed of scoring, tokenizing not counted."""


@dataclass(frozen=True)
class BaselineEvaluation(SplitEvaluation):
    """What the linear baseline is worth on one split, and what it was fitted on."""

    fit_reviews: int
    """Reviews it was fitted on."""
    fit_ngrams: int
    """Distinct n-grams that have a weight."""
    fit_seconds: float
    """Time the fit took, tokenizing not counted."""


@dataclass(frozen=True)
class Comparison:
    """A run and the baseline on the very same reviews."""

    run: SplitEvaluation
    baseline: BaselineEvaluation
    paired_test: PairedTest
    """The run is the first, the baseline the second."""


def evaluate_run(predictor: Predictor, source: str | None = None, split: str = "test") -> SplitEvaluation:
    """Score `split` of `source` (the run's own data by default) and judge it.

    `validation` is what the run held out. A `source` with a single split, such as a file, is judged on that.
    Raises DataError if there is no such split.
    """
    judged, _ = _judge_run(predictor, *_find_part(predictor, source, split))
    return judged


def evaluate_baseline(config: Config, processes: int, split: str = "test") -> BaselineEvaluation:
    """Fit the baseline on what a run with this configuration trains on, and judge it on `split`.

    Raises DataError if there is no such split, or as `fit_baseline` does.
    """
    part = load_part(config, split, processes)  # before the fit: a missing split should say so at once
    baseline = fit_baseline(load_part(config, "train", processes), config.seed)
    judged, _ = _judge_baseline(baseline, config.data.source, part)
    return judged


def compare_with_baseline(predictor: Predictor, source: str | None = None, split: str = "test") -> Comparison:
    """Judge a run as `evaluate_run` does, and on the same reviews a baseline of the run's training reviews.

    Raises DataError as `evaluate_run` and `fit_baseline` do, also if the run's own data are no longer there.
    """
    source, part = _find_part(predictor, source, split)
    train = load_part(predictor.config, "train", predictor.machine.threads)
    baseline = fit_baseline(train, predictor.config.seed)
    run, run_logits_N = _judge_run(predictor, source, part)
    linear, linear_logits_N = _judge_baseline(baseline, source, part)
    return Comparison(run, linear, mcnemar(run_logits_N, linear_logits_N, part.labels_N))


def _find_part(predictor: Predictor, source: str | None, split: str) -> tuple[str, Part]:
    """The reviews to judge, and where they come from."""
    config, threads = predictor.config, predictor.machine.threads
    part = None
    if source is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update={"source": source})})
        part = load_only_part(config, threads)
    return config.data.source, part or load_part(config, split, threads)


def _judge_run(predictor: Predictor, source: str, part: Part) -> tuple[SplitEvaluation, np.ndarray]:
    reviews, _ = part.encode(predictor.vocabulary, predictor.config)
    return _judge(lambda: predictor.logits(reviews), source, part)


def _judge_baseline(baseline: Baseline, source: str, part: Part) -> tuple[BaselineEvaluation, np.ndarray]:
    judged, logits_N = _judge(lambda: baseline.logits(part), source, part)
    evaluation = BaselineEvaluation(
        **vars(judged),
        fit_reviews=baseline.reviews,
        fit_ngrams=len(baseline.ngrams),
        fit_seconds=baseline.seconds,
    )
    return evaluation, logits_N


def _judge(score: Callable[[], np.ndarray], source: str, part: Part) -> tuple[SplitEvaluation, np.ndarray]:
    """Time `score`, which gives logits_N of the part's reviews, and judge what it gives."""
    start = time.perf_counter()
    logits_N = score()
    speed = len(logits_N) / (time.perf_counter() - start)
    return SplitEvaluation(source, part.name, evaluate(logits_N, part.labels_N), speed), logits_N
