"""Judge a run, the linear baseline, or the one beside the other on a split of labelled reviews."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sentiment.config import Config
from sentiment.data.prepare import LEARNED_FROM, Part, data_hash, load_part, load_split
from sentiment.errors import DataError, SentimentError
from sentiment.evaluation.baseline import Baseline, fit_baseline
from sentiment.evaluation.metrics import (
    Evaluation,
    PairedTest,
    best_threshold,
    calibration_error,
    evaluate,
    logit,
    mcnemar,
)
from sentiment.evaluation.slices import Slicing, slice_accuracy
from sentiment.inference.predictor import Prediction, Predictor, describe_prediction
from sentiment.inference.scoring import probabilities
from sentiment.system.console import say

# What flatters a run on a split of its own data.
FLATTERED = {
    "train": "warning: the run was trained on these reviews",
    "all": "warning: the run was trained on most of these reviews; --split validation has the others",
    "validation": "the run's epoch was chosen on these reviews, which flatters a little",
}


@dataclass(frozen=True)
class Scores:
    """A split with the logits a model gave its reviews."""

    source: str
    part: Part
    logits_N: np.ndarray
    """float32, in the order of the part."""
    reviews_per_second: float
    """Speed of scoring, tokenizing not counted."""
    temperature: float = 1.0
    """What the logits have been divided by."""
    is_own_data: bool = False
    """Whether the source is, to the letter, what the model was trained on, or a copy of it."""

    def judge(self, threshold: float = 0.5) -> "SplitEvaluation":
        """Judge the logits; a review counts as positive if its probability is above `threshold`."""
        labels_N = self.part.labels_N
        before = calibration_error(probabilities(self.logits_N * self.temperature), labels_N)
        return SplitEvaluation(
            self.source,
            self.part.name,
            evaluate(self.logits_N, labels_N, threshold),
            threshold,
            self.temperature,
            before,
            self.reviews_per_second,
        )


@dataclass(frozen=True)
class SplitEvaluation:
    """What a model is worth on one split."""

    source: str
    split: str
    evaluation: Evaluation
    threshold: float
    """The probability above which a review counted as positive."""
    temperature: float
    """What the logits have been divided by."""
    uncalibrated_error: float
    """The expected calibration error without that."""
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


@dataclass(frozen=True)
class JudgedReview:
    """A review of a split, its right label and what a run says of it."""

    position: int
    """Its place in the split, from 0."""
    label: str
    """The right label: positive or negative."""
    prediction: Prediction
    text: str


def score_run(predictor: Predictor, source: str | None = None, split: str | None = None) -> Scores:
    """Score `split` of `source`, by default the run's own data.

    Without `split` that is test, or of another `source` the only split it has. `train` and `validation` of
    the run's own data, wherever these are now, are what it trained on and held out; where `all` stands for
    a split's name in what is returned, it is both.
    Raises DataError if there is no such split, or if the run's own data have changed.
    """
    part, is_own = _choose_part(predictor, source, split)
    if is_own and part.name in FLATTERED:
        say(FLATTERED[part.name])
    return _score_part(predictor, source, part, is_own)


def _score_part(predictor: Predictor, source: str | None, part: Part, is_own: bool) -> Scores:
    reviews, _ = part.encode(predictor.vocabulary, predictor.config)
    scores = _score(lambda: predictor.logits(reviews), source or predictor.config.data.source, part)
    return replace(scores, temperature=predictor.temperature, is_own_data=is_own)


def _choose_part(predictor: Predictor, source: str | None, split: str | None) -> tuple[Part, bool]:
    """The reviews that `score_run` scores, and whether their source is the run's own data."""
    config, threads = predictor.config, predictor.machine.threads
    if source is None:
        if split in LEARNED_FROM:
            return own_part(predictor, split), True
        return load_part(config, split or "test", threads), True
    config = config.with_source(source)
    is_own = _is_own_data(predictor, config)
    if split == "test" and Path(source).expanduser().is_file():
        split = None  # a file is one split, whatever it is for
    if is_own and split is not None:
        return _load_own(predictor, config, split), True
    part = load_split(config, split, threads)
    if is_own and part.name == "train" and predictor.facts["data"]["validation"]:
        part = replace(part, name="all")
    return part, is_own


def own_part(predictor: Predictor, split: str, source: str | None = None) -> Part:
    """`train` or `validation` of the run's own data, or of `source`, a copy of them.

    Raises DataError if these are not the reviews that the run was started on, or not split as they were.
    """
    config = predictor.config if source is None else predictor.config.with_source(source)
    if data_hash(config) != predictor.facts["data"]["hash"]:
        raise DataError(
            f"{config.data.source} no longer holds the reviews that the run was started on; "
            "restore them, or judge others with --data"
        )
    return _load_own(predictor, config, split)


def _load_own(predictor: Predictor, config: Config, split: str) -> Part:
    """A split of the run's own reviews; raises DataError if their groups are others than they were."""
    part = load_part(config, split, predictor.machine.threads)
    started_on = predictor.facts["data"].get("split_hashes", {})
    if part.split_hash != started_on.get(split, part.split_hash):
        raise DataError(
            f"{config.data.source} has the reviews that the run was started on, but other groups "
            f"({config.data.group_column}), so that its {split} split would be another; restore them"
        )
    return part


def _is_own_data(predictor: Predictor, config: Config) -> bool:
    """Whether a source has, to the letter, the reviews a run was trained on, as a copy elsewhere does."""
    try:
        return bool(data_hash(config) == predictor.facts["data"]["hash"])
    except SentimentError:
        return False


def choose_threshold(predictor: Predictor, source: str | None = None) -> float:
    """The threshold with the highest accuracy on the reviews that the run held out.

    They are looked for in `source` if that is a copy of the run's own data. Raises DataError if it held out
    none, or if its data are no longer there.
    """
    given = None if source is None else predictor.config.with_source(source)
    if given is not None and _is_own_data(predictor, given):
        part = _load_own(predictor, given, "validation")
    else:
        part = own_part(predictor, "validation")
    held_out = _score_part(predictor, source, part, is_own=True)
    return best_threshold(held_out.logits_N, held_out.part.labels_N)


def evaluate_baseline(config: Config, workers: int, split: str = "test") -> BaselineEvaluation:
    """Fit the baseline on the train split of a configuration, without `data.extra`, and judge it on `split`.

    Raises DataError if there is no such split, or as `fit_baseline` does.
    """
    part = load_part(config, split, workers)  # before the fit: a missing split should say so at once
    baseline = fit_baseline(load_part(config, "train", workers), config.seed)
    return _judge_baseline(baseline, _score(lambda: baseline.logits(part), config.data.source, part))


def compare_with_baseline(predictor: Predictor, run: Scores) -> Comparison:
    """Judge the scores of a run, and on the same reviews a baseline of the run's training reviews.

    Raises DataError as `fit_baseline` does, also if the run's own data are no longer there.
    """
    try:
        train = own_part(predictor, "train", run.source if run.is_own_data else None)
    except SentimentError as error:
        raise type(error)(f"the baseline learns what the run has learned: {error}") from None
    baseline = fit_baseline(train, predictor.config.seed)
    linear = _score(lambda: baseline.logits(run.part), run.source, run.part)
    paired = mcnemar(run.logits_N, linear.logits_N, run.part.labels_N)
    return Comparison(run.judge(), _judge_baseline(baseline, linear), paired)


def slice_scores(predictor: Predictor, scores: Scores, threshold: float = 0.5) -> list[Slicing]:
    """Where a run is right more or less often: by length, by what was cut, by unknown words."""
    reviews, labels_N = scores.part.encode(predictor.vocabulary, predictor.config)
    return slice_accuracy(reviews, (scores.logits_N > logit(threshold)) == (labels_N == 1))


def mistakes(predictor: Predictor, scores: Scores, threshold: float = 0.5) -> list[JudgedReview]:
    """The reviews on the wrong side of `threshold`, the furthest from it first."""
    distances_N = scores.logits_N - logit(threshold)
    wrong_W = np.flatnonzero((distances_N > 0) != (scores.part.labels_N == 1))
    worst_W = wrong_W[np.argsort(-np.abs(distances_N[wrong_W]), kind="stable")]
    return _judge_reviews(predictor, scores, worst_W, threshold)


def least_certain(predictor: Predictor, scores: Scores, count: int) -> list[JudgedReview]:
    """The `count` reviews whose probability is nearest to 0.5, the nearest first."""
    nearest_N = np.argsort(np.abs(scores.logits_N), kind="stable")
    return _judge_reviews(predictor, scores, nearest_N[:count], 0.5)


def _judge_reviews(
    predictor: Predictor, scores: Scores, positions_M: np.ndarray, threshold: float
) -> list[JudgedReview]:
    labels_N, texts = scores.part.labels_N, scores.part.texts()
    reviews, _ = scores.part.encode(predictor.vocabulary, predictor.config)
    probability_N = probabilities(scores.logits_N)
    return [
        JudgedReview(
            position,
            "positive" if labels_N[position] else "negative",
            describe_prediction(reviews, position, probability_N[position], threshold),
            texts[position],
        )
        for position in positions_M.tolist()
    ]


def _judge_baseline(baseline: Baseline, scores: Scores) -> BaselineEvaluation:
    return BaselineEvaluation(
        **vars(scores.judge()),
        fit_reviews=baseline.reviews,
        fit_ngrams=len(baseline.ngrams),
        fit_seconds=baseline.seconds,
    )


def _score(score: Callable[[], np.ndarray], source: str, part: Part) -> Scores:
    """Time `score`, which gives logits_N of the part's reviews."""
    start = time.perf_counter()
    logits_N = score()
    return Scores(source, part, logits_N, len(logits_N) / (time.perf_counter() - start))
