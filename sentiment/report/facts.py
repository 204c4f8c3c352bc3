"""Gather what a report says: the one road from a run folder to facts, by way of `evaluation.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from sentiment.config import Config
from sentiment.data.audit import Audit, SplitFacts, audit, describe_part
from sentiment.data.text import digest
from sentiment.errors import SentimentError, UsageError
from sentiment.evaluation.judge import (
    Comparison,
    JudgedReview,
    Scores,
    SplitEvaluation,
    compare_with_baseline,
    least_certain,
    mistakes,
    score_run,
    slice_scores,
)
from sentiment.evaluation.metrics import PairedTest, ReliabilityBin, mcnemar, reliability
from sentiment.evaluation.slices import Slicing
from sentiment.explain.explanation import Explanation, explain_reviews
from sentiment.inference.predictor import Predictor
from sentiment.inference.scoring import probabilities
from sentiment.models.ensemble import Ensemble
from sentiment.runs import read_metrics, run_title
from sentiment.system.console import say

SHOWN_REVIEWS = 20
Found = TypeVar("Found")


@dataclass(frozen=True)
class JudgedRun:
    """A run with its scores of one split, and what follows from these."""

    name: str
    config: Config
    record: Mapping[str, Any]
    """What its run.json holds."""
    metrics: list[dict[str, Any]]
    """The lines of its metrics.jsonl; none of the shipped model."""
    parameters: int
    scores: Scores
    judged: SplitEvaluation
    reliability: list[ReliabilityBin]
    slicings: list[Slicing]


@dataclass(frozen=True)
class ExplainedReview:
    """A review of the split with the reasons for its prediction."""

    review: JudgedReview
    explanation: Explanation


@dataclass(frozen=True)
class RunFacts:
    """Everything on the page of one run."""

    run: JudgedRun
    worst: list[ExplainedReview]
    """The most confident mistakes."""
    least_certain: list[ExplainedReview]
    baseline: Comparison | str
    """Or why there is none."""
    audit: Audit | str
    """Of the run's own data, or why there is none."""
    split: SplitFacts
    """Of the reviews that were judged, read as the run reads them."""


@dataclass(frozen=True)
class RunComparison:
    """Everything on the page of several runs: all of the very same reviews."""

    runs: list[JudgedRun]
    paired_tests: list[tuple[JudgedRun, JudgedRun, PairedTest]]
    """Every two of the runs."""
    differing_keys: dict[str, list[Any]]
    """Keys of the configuration with each run's value, where these are not all the same."""
    all_right: int
    """Reviews that every run got right."""
    all_wrong: int


def gather(
    path: Path, source: str | None = None, split: str | None = None, device: str = "auto", threads: int = 0
) -> RunFacts:
    """Judge a run as `evaluation.score_run` does, explain it, and put the baseline beside it.

    Raises RunError, DataError or MachineError if the run or the reviews are not there. If only the run's own
    data are gone, the facts say so in place of what needs them.
    """
    predictor, run = _judge(path, source, split, device, threads)
    scores = run.scores
    say("explaining mistakes and doubtful reviews")
    worst = _explain(predictor, mistakes(predictor, scores)[:SHOWN_REVIEWS])
    doubtful = _explain(predictor, least_certain(predictor, scores, SHOWN_REVIEWS))
    say("fitting the baseline")
    baseline = _or_why(lambda: compare_with_baseline(predictor, scores))
    say("auditing the data")
    found = _or_why(lambda: audit(predictor.config, predictor.machine.threads))
    own_split = describe_part(scores.part, predictor.vocabulary, predictor.config.text)
    return RunFacts(run, worst, doubtful, baseline, found, own_split)


def compare(
    paths: Sequence[Path],
    source: str | None = None,
    split: str | None = None,
    device: str = "auto",
    threads: int = 0,
) -> RunComparison:
    """Judge several runs on the same reviews, and test every two of them.

    Raises UsageError if their splits are not the same reviews, and what `gather` raises.
    """
    runs: list[JudgedRun] = []
    for path in paths:
        runs.append(_judge(path, source, split, device, threads)[1])
        if _fingerprint(runs[-1].scores) != _fingerprint(runs[0].scores):
            raise UsageError(
                f"{paths[0]} and {path} are not judged on the same reviews; "
                "choose another --split, or a file for all of them with --data"
            )
    if len({run.name for run in runs}) < len(runs):
        runs = [replace(run, name=str(path)) for run, path in zip(runs, paths, strict=True)]
    first = runs[0]
    labels_N = first.scores.part.labels_N
    right_RN = np.array([(run.scores.logits_N > 0) == (labels_N == 1) for run in runs])
    return RunComparison(
        runs,
        [
            (one, other, mcnemar(one.scores.logits_N, other.scores.logits_N, labels_N))
            for one, other in combinations(runs, 2)
        ],
        _differing_keys([run.config for run in runs]),
        int(right_RN.all(axis=0).sum()),
        int((~right_RN).all(axis=0).sum()),
    )


def _judge(
    path: Path, source: str | None, split: str | None, device: str, threads: int
) -> tuple[Predictor, JudgedRun]:
    """Score a split with a run, whose predictor knows where the run's own data are now."""
    predictor = Predictor.load(path, device, threads)
    config = predictor.config
    name = run_title(path)
    say(f"judging {name}")
    scores = score_run(predictor, source, split)
    if source is not None and scores.is_own_data:  # what comes after finds the run's own data there, too
        predictor.config = config.with_source(source)
    return predictor, JudgedRun(
        name,
        config,
        predictor.facts,
        read_metrics(path),
        _count_weights(predictor.model),
        scores,
        scores.judge(),
        reliability(probabilities(scores.logits_N), scores.part.labels_N),
        slice_scores(predictor, scores),
    )


def _count_weights(model: nn.Module) -> int:
    """Numbers that training found, those of the n-gram evidence included."""
    evidence = model.evidence if isinstance(model, Ensemble) else None
    found = sum(parameter.numel() for parameter in model.parameters())
    return found + (len(evidence.weights_G) if evidence is not None else 0)


def _or_why(find: Callable[[], Found]) -> Found | str:
    """What `find` finds, or why it cannot."""
    try:
        return find()
    except SentimentError as error:
        return str(error)


def _explain(predictor: Predictor, reviews: Sequence[JudgedReview]) -> list[ExplainedReview]:
    explanations = explain_reviews(predictor, [review.text for review in reviews])
    return [ExplainedReview(*pair) for pair in zip(reviews, explanations, strict=True)]


def _fingerprint(scores: Scores) -> str:
    return digest([*scores.part.texts(), *map(str, scores.part.labels_N)])


def _differing_keys(configs: Sequence[Config]) -> dict[str, list[Any]]:
    flat = [config.settings() for config in configs]
    rows = {key: [values[key] for values in flat] for key in flat[0]}
    return {key: values for key, values in rows.items() if any(value != values[0] for value in values)}
