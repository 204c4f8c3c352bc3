"""Judge a run, the linear baseline, or both on the same split of labelled reviews."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sentiment.config import Config
from sentiment.data.parts import Part, load_part, require_split
from sentiment.data.readability import reading_warnings
from sentiment.data.reviews import ReviewSource
from sentiment.errors import SentimentError
from sentiment.evaluation.baseline import Baseline, fit_baseline
from sentiment.evaluation.metrics import (
    Evaluation,
    PairedTest,
    best_threshold,
    calibration_error,
    evaluate,
    mcnemar,
    predicted_classes,
)
from sentiment.evaluation.run_data import RunData
from sentiment.evaluation.slices import Slicing, slice_accuracy
from sentiment.inference.predictor import Prediction, Predictor, describe_predictions
from sentiment.inference.scoring import class_probabilities, logit
from sentiment.runs.decision import DEFAULT_THRESHOLD, Decision, require_two_classes
from sentiment.system.console import say

# Splits of the run's own data that it has learned from, wholly or in part.
SPLIT_WARNINGS = {
    "train": "warning: the run was trained on these reviews",
    "all": "warning: the run was trained on most of these reviews; --split validation has the others",
    "validation": "the run's epoch was chosen on these reviews, which flatters a little",
}


@dataclass(frozen=True)
class Scores:
    """A split with the logits that a model gave its reviews."""

    source: str
    part: Part
    logits: np.ndarray
    """float32, in the order of the part: (N,) for two classes, (N, K) for more."""
    reviews_per_second: float
    """Speed of scoring, tokenizing not counted."""
    temperature: float = 1.0
    """The number that the logits were divided by."""
    data: RunData | None = None
    """The open data of the run that was scored; None for the scores of a baseline."""

    @property
    def is_own_data(self) -> bool:
        """Whether the reviews come from the run's own data or from a copy of them."""
        return self.data is not None and self.data.is_own

    def judge(self, threshold: float = 0.5) -> "SplitEvaluation":
        """Judge the logits; of two classes, a review counts as the second above `threshold`."""
        labels_N = self.part.labels_N
        before = calibration_error(self.logits * self.temperature, labels_N)
        return SplitEvaluation(
            source=self.source,
            split=self.part.name,
            evaluation=evaluate(self.logits, labels_N, threshold, self.part.class_names),
            threshold=threshold,
            temperature=self.temperature,
            uncalibrated_error=before,
            reviews_per_second=self.reviews_per_second,
        )


@dataclass(frozen=True)
class SplitEvaluation:
    """How well a model does on one split."""

    source: str
    split: str
    evaluation: Evaluation
    threshold: float
    """The probability above which a review counted as the second of two classes."""
    temperature: float
    """The number that the logits were divided by."""
    uncalibrated_error: float
    """The expected calibration error before that."""
    reviews_per_second: float
    """Speed of scoring, tokenizing not counted."""


@dataclass(frozen=True)
class BaselineEvaluation(SplitEvaluation):
    """How well the linear baseline does on one split, and what it was fitted on."""

    fit_reviews: int
    """Reviews it was fitted on."""
    fit_ngrams: int
    """Distinct n-grams that have a weight."""
    fit_seconds: float
    """Time the fit took, tokenizing not counted."""


@dataclass(frozen=True)
class Comparison:
    """A run and the baseline on the same reviews."""

    run: SplitEvaluation
    baseline: BaselineEvaluation
    paired_test: PairedTest
    """The run is the first, the baseline the second."""


@dataclass(frozen=True)
class JudgedReview:
    """A review of a split with its right label and a run's prediction."""

    position: int
    """Its place in the split, from 0."""
    label: str
    """The name of the right class."""
    prediction: Prediction
    text: str


def score_run(predictor: Predictor, source: str | RunData | None = None, split: str | None = None) -> Scores:
    """Score `split` of `source`, by default the run's own data; `RunData.choose_part` says which reviews.

    Raises DataError if there is no such split, or if the run's own data have changed.
    """
    data = _open_data(predictor, source)
    part = data.choose_part(split)
    _tell_notes(data.source)
    scores = _score_part(predictor, data, part)
    if scores.is_own_data and scores.part.name in SPLIT_WARNINGS:
        say(SPLIT_WARNINGS[scores.part.name])
    for warning in reading_warnings(scores.part, predictor.vocabulary, predictor.config.text):
        say(f"warning: {warning}")
    return scores


def choose_threshold(
    predictor: Predictor, source: str | RunData | None = None, given: float | None = None
) -> float:
    """Return the threshold that was given, or the most accurate one on the reviews that the run held out.

    They come from `source` if that is a copy of the run's own data, else from the run's own data. Raises
    DataError if the run held out none, or if its data have changed; UsageError unless it has two classes.
    """
    if given != DEFAULT_THRESHOLD:
        require_two_classes(predictor.class_names, "--threshold")
    if given is not None:
        return given
    data = _open_data(predictor, source)
    if not data.is_own:
        data = RunData(predictor)
    held_out = _score_part(predictor, data, data.own_part("validation"))
    return best_threshold(held_out.logits, held_out.part.labels_N)


def evaluate_baseline(
    config: Config, workers: int, split: str = "test", source: ReviewSource | None = None
) -> BaselineEvaluation:
    """Fit the baseline on the train split of a configuration, without `data.extra`, and judge it on `split`.

    `source` is the source of the configuration if it is already open. Raises DataError if there is no such
    split, or as `fit_baseline` does.
    """
    source = source or ReviewSource(config.data)
    require_split(split, source)
    train = load_part(config, "train", workers, source)  # first: its classes are those of the other splits
    part = load_part(config, split, workers, source)
    _tell_notes(source)
    baseline = fit_baseline(train, config.seed)
    return _judge_baseline(baseline, _score(lambda: baseline.logits(part), config.data.source, part))


def compare_with_baseline(predictor: Predictor, run: Scores) -> Comparison:
    """Judge the scores of a run, and on the same reviews a baseline that is fitted on the run's train split.

    Raises DataError as `fit_baseline` does, or if the run's own data have changed.
    """
    data = run.data if run.data is not None and run.is_own_data else RunData(predictor)
    try:
        train = data.own_part("train")
    except SentimentError as error:
        raise type(error)(f"the baseline needs the training reviews of the run: {error}") from None
    baseline = fit_baseline(train, predictor.config.seed)
    linear = _score(lambda: baseline.logits(run.part), run.source, run.part)
    return Comparison(
        run=run.judge(),
        baseline=_judge_baseline(baseline, linear),
        paired_test=mcnemar(run.logits, linear.logits, run.part.labels_N),
    )


def slice_scores(predictor: Predictor, scores: Scores, threshold: float = 0.5) -> list[Slicing]:
    """Return the accuracy by length, by what was cut and by unknown words."""
    reviews, labels_N = scores.part.encode(predictor.vocabulary, predictor.config.text)
    return slice_accuracy(reviews, predicted_classes(scores.logits, threshold) == labels_N)


def mistakes(predictor: Predictor, scores: Scores, threshold: float = 0.5) -> list[JudgedReview]:
    """Return the reviews with a wrong label, the furthest from the right one first, in logits."""
    labels_N, predicted_N = scores.part.labels_N, predicted_classes(scores.logits, threshold)
    wrong_W = np.flatnonzero(predicted_N != labels_N)
    if scores.logits.ndim == 1:
        distances_W = np.abs(scores.logits[wrong_W] - logit(threshold))
    else:
        wrong_WK = scores.logits[wrong_W]
        rows_W = np.arange(len(wrong_W))
        distances_W = wrong_WK[rows_W, predicted_N[wrong_W]] - wrong_WK[rows_W, labels_N[wrong_W]]
    worst_W = wrong_W[np.argsort(-distances_W, kind="stable")]
    return _judge_reviews(predictor, scores, worst_W, threshold)


def least_certain(predictor: Predictor, scores: Scores, count: int) -> list[JudgedReview]:
    """Return the `count` reviews whose two likeliest classes are nearest to each other, the nearest first."""
    if scores.logits.ndim == 1:
        margins_N = np.abs(scores.logits)
    else:
        sorted_NK = np.sort(scores.logits, axis=1)
        margins_N = sorted_NK[:, -1] - sorted_NK[:, -2]
    nearest_N = np.argsort(margins_N, kind="stable")
    return _judge_reviews(predictor, scores, nearest_N[:count], 0.5)


def _judge_reviews(
    predictor: Predictor, scores: Scores, positions_M: np.ndarray, threshold: float
) -> list[JudgedReview]:
    labels_N, texts = scores.part.labels_N, scores.part.texts()
    reviews, _ = scores.part.encode(predictor.vocabulary, predictor.config.text)
    names, decision = scores.part.class_names, Decision(threshold)
    positions = positions_M.tolist()
    of_class = [
        dict(zip(names, found_K, strict=True))
        for found_K in class_probabilities(scores.logits[positions_M]).tolist()
    ]
    predictions = describe_predictions(reviews, positions, of_class, decision)
    return [
        JudgedReview(
            position=position,
            label=names[labels_N[position]],
            # Judged as `evaluate` counts: by the threshold alone.
            prediction=replace(prediction, label=decision.label(prediction.probabilities)),
            text=texts[position],
        )
        for position, prediction in zip(positions, predictions, strict=True)
    ]


def _judge_baseline(baseline: Baseline, scores: Scores) -> BaselineEvaluation:
    return BaselineEvaluation(
        **vars(scores.judge()),
        fit_reviews=baseline.reviews,
        fit_ngrams=len(baseline.ngrams),
        fit_seconds=baseline.seconds,
    )


def _open_data(predictor: Predictor, source: str | RunData | None) -> RunData:
    return source if isinstance(source, RunData) else RunData(predictor, source)


def _tell_notes(source: ReviewSource) -> None:
    for note in source.notes:
        say(note)


def _score_part(predictor: Predictor, data: RunData, part: Part) -> Scores:
    reviews, _ = part.encode(predictor.vocabulary, predictor.config.text)
    scores = _score(lambda: predictor.logits(reviews), data.name, part)
    return replace(scores, temperature=predictor.temperature, data=data)


def _score(score: Callable[[], np.ndarray], source: str, part: Part) -> Scores:
    """Time `score`, which returns the logits of the part's reviews."""
    start = time.perf_counter()
    logits = score()
    speed = len(logits) / (time.perf_counter() - start)
    return Scores(source=source, part=part, logits=logits, reviews_per_second=speed)
