"""Gather the facts of a report: judge runs with `sentiment.evaluation`, and explain single reviews."""

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
from sentiment.evaluation.run_data import RunData
from sentiment.evaluation.slices import Slicing
from sentiment.explain.explanation import Explanation, explain_reviews
from sentiment.inference.predictor import Predictor
from sentiment.inference.scoring import likeliest_classes
from sentiment.models.ensemble import Ensemble
from sentiment.runs import read_metrics, run_title
from sentiment.system.console import say

SHOWN_REVIEWS = 20
"""How many mistakes, and how many doubtful reviews, a page shows."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class JudgeOptions:
    """Which reviews are judged, and on which machine."""

    source: str | None = None
    """A source, as in `data.source` of a configuration; the run's own data by default."""
    split: str | None = None
    """test by default; of another source its only split, if it has just one."""
    changes: Sequence[str] = ()
    """How the source is read: overrides of the run's configuration, such as `data.text_column=review`."""
    device: str = "auto"
    threads: int = 0
    """0 uses every core."""


@dataclass(frozen=True)
class JudgedRun:
    """A run, its scores of one split, and the figures computed from them."""

    name: str
    config: Config
    record: Mapping[str, Any]
    """Its run.json."""
    metrics: list[dict[str, Any]]
    """The lines of its metrics.jsonl; the shipped model has none."""
    parameters: int
    scores: Scores
    judged: SplitEvaluation
    reliability: list[ReliabilityBin]
    slicings: list[Slicing]


@dataclass(frozen=True)
class ExplainedReview:
    """A review of the split, and the explanation of its prediction."""

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
    """The comparison, or the reason why there is none."""
    audit: Audit | str
    """The audit of the run's own data, or the reason why there is none."""
    split: SplitFacts
    """The judged reviews, tokenized and cut as the run does it."""


@dataclass(frozen=True)
class RunComparison:
    """Everything on the page of several runs, which are judged on the same reviews."""

    runs: list[JudgedRun]
    paired_tests: list[tuple[JudgedRun, JudgedRun, PairedTest]]
    """One test for each pair of runs."""
    differing_keys: dict[str, list[Any]]
    """Keys of the configuration whose values differ between the runs, with each run's value."""
    all_right: int
    """Reviews that every run got right."""
    all_wrong: int


def gather_facts(path: Path, options: JudgeOptions) -> RunFacts:
    """Judge a run, explain some of its predictions, and compare it with the baseline.

    Raises RunError, DataError or MachineError if the run, the reviews or the device is missing. If only the
    run's own data are missing, the facts say why there is no baseline and no audit.
    """
    predictor, run = _judge_run(path, options)
    say("explaining mistakes and doubtful reviews")
    worst = _explain_judged(predictor, mistakes(predictor, run.scores)[:SHOWN_REVIEWS])
    doubtful = _explain_judged(predictor, least_certain(predictor, run.scores, SHOWN_REVIEWS))
    say("fitting the baseline")
    baseline = _result_or_reason(lambda: compare_with_baseline(predictor, run.scores))
    say("auditing the data")
    found = _result_or_reason(
        lambda: audit(predictor.config, predictor.machine.threads, vocabulary=predictor.vocabulary)
    )
    return RunFacts(
        run=run,
        worst=worst,
        least_certain=doubtful,
        baseline=baseline,
        audit=found,
        split=describe_part(run.scores.part, predictor.vocabulary, predictor.config.text),
    )


def compare_runs(paths: Sequence[Path], options: JudgeOptions) -> RunComparison:
    """Judge several runs on the same reviews, and test each pair of them.

    Raises UsageError if the reviews differ, and the errors of `gather_facts`.
    """
    runs: list[JudgedRun] = []
    for path in paths:
        runs.append(_judge_run(path, options)[1])
        if _hash_judged_reviews(runs[-1].scores) != _hash_judged_reviews(runs[0].scores):
            raise UsageError(
                f"{paths[0]} and {path} are not judged on the same reviews; "
                "choose another --split, or judge all runs on one file with --data"
            )
    if len({run.name for run in runs}) < len(runs):
        runs = [replace(run, name=str(path)) for run, path in zip(runs, paths, strict=True)]
    labels_N = runs[0].scores.part.labels_N
    right_RN = np.array([likeliest_classes(run.scores.logits) == labels_N for run in runs])
    return RunComparison(
        runs=runs,
        paired_tests=[
            (one, other, mcnemar(one.scores.logits, other.scores.logits, labels_N))
            for one, other in combinations(runs, 2)
        ],
        differing_keys=_find_differing_keys([run.config for run in runs]),
        all_right=int(right_RN.all(axis=0).sum()),
        all_wrong=int((~right_RN).all(axis=0).sum()),
    )


def _judge_run(path: Path, options: JudgeOptions) -> tuple[Predictor, JudgedRun]:
    """Score a split with a run; the returned predictor knows where the run's own data are now."""
    predictor = Predictor.load(path, options.device, options.threads)
    config = predictor.config
    name = run_title(path)
    say(f"judging {name}")
    data = RunData(predictor, options.source, options.changes)
    scores = score_run(predictor, data, options.split)
    if options.source is not None and scores.is_own_data:  # the data have moved: baseline and audit need them
        predictor.config = data.config
    return predictor, JudgedRun(
        name=name,
        config=config,
        record=predictor.facts,
        metrics=read_metrics(path),
        parameters=_count_weights(predictor.model),
        scores=scores,
        judged=scores.judge(),
        reliability=reliability(scores.logits, scores.part.labels_N),
        slicings=slice_scores(predictor, scores),
    )


def _count_weights(model: nn.Module) -> int:
    """Count the numbers that training found, those of n-gram evidence included."""
    evidence = model.evidence if isinstance(model, Ensemble) else None
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return parameters + (evidence.weights_G.numel() if evidence is not None else 0)


def _result_or_reason(find: Callable[[], Found]) -> Found | str:
    """Return what `find` finds, or the text of its error."""
    try:
        return find()
    except SentimentError as error:
        return str(error)


def _explain_judged(predictor: Predictor, reviews: Sequence[JudgedReview]) -> list[ExplainedReview]:
    explanations = explain_reviews(predictor, [review.text for review in reviews])
    return [
        ExplainedReview(review=review, explanation=explanation)
        for review, explanation in zip(reviews, explanations, strict=True)
    ]


def _hash_judged_reviews(scores: Scores) -> str:
    return digest([*scores.part.texts(), *map(str, scores.part.labels_N)])


def _find_differing_keys(configs: Sequence[Config]) -> dict[str, list[Any]]:
    settings = [config.settings() for config in configs]
    rows = {key: [values[key] for values in settings] for key in settings[0]}
    return {key: values for key, values in rows.items() if any(value != values[0] for value in values)}
