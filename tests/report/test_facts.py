"""The facts of a report are those of eval, baseline and prepare."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import sentiment
from sentiment.config import read_config
from sentiment.data.audit import audit
from sentiment.errors import DataError, UsageError
from sentiment.evaluation.judge import compare_with_baseline, score_run
from sentiment.evaluation.metrics import mcnemar
from sentiment.report.facts import compare_runs, gather_facts
from sentiment.report.page import run_page
from sentiment.runs import SHIPPED
from sentiment.training.run import train_run
from tests.report.conftest import ON_CPU


def test_a_run_is_judged_as_eval_judges_it(paths, facts):
    predictor = sentiment.load(paths[0], device="cpu", threads=1)
    scores = score_run(predictor)
    assert facts.run.judged.evaluation == scores.judge().evaluation
    assert np.array_equal(facts.run.scores.logits, scores.logits)
    assert facts.baseline.paired_test == compare_with_baseline(predictor, scores).paired_test
    assert facts.audit == audit(predictor.config, 1)
    assert facts.split.reviews == 28 and facts.split.split == "test"


def test_the_reviews_shown_are_the_worst_and_the_least_certain(facts):
    logits_N, labels_N = facts.run.scores.logits, facts.run.scores.part.labels_N
    wrong = [index for index in range(28) if (logits_N[index] > 0) != (labels_N[index] == 1)]
    worst = sorted(wrong, key=lambda index: -abs(logits_N[index]))[:20]
    assert [one.review.position for one in facts.worst] == worst
    nearest = sorted(range(28), key=lambda index: abs(logits_N[index]))[:20]
    assert [one.review.position for one in facts.least_certain] == nearest
    for one in (*facts.worst, *facts.least_certain):
        assert one.explanation.prediction.probability == pytest.approx(
            one.review.prediction.probability, abs=1e-5
        )
        assert one.explanation.logit == pytest.approx(logits_N[one.review.position], abs=1e-5)


def test_a_copy_of_the_runs_data_is_recognised(paths, folder, tmp_path):
    copy = shutil.copytree(folder / "data", tmp_path / "elsewhere")
    found = gather_facts(paths[0], replace(ON_CPU, source=str(copy), split="validation"))
    own = gather_facts(paths[0], replace(ON_CPU, split="validation"))
    assert found.run.scores.is_own_data and found.run.judged.source == str(copy)
    assert found.run.judged.evaluation == own.run.judged.evaluation
    assert found.baseline.baseline.evaluation == own.baseline.baseline.evaluation


def test_missing_data_are_given_as_a_reason(folder, tmp_path):
    moved = shutil.copytree(folder / "two", tmp_path / "moved")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"text": "a bright film", "label": 1}) + "\n")
    data = folder / "data"
    hidden = data.rename(folder / "hidden")
    try:
        found = gather_facts(moved, replace(ON_CPU, source=str(other)))
    finally:
        hidden.rename(data)
    assert not found.run.scores.is_own_data
    assert str(data) in found.baseline and str(data) in found.audit
    assert found.run.judged.evaluation.reviews == 1 and found.run.judged.evaluation.roc_auc is None


def test_every_pair_is_tested(compared):
    first, second = compared.runs
    ((one, other, test),) = compared.paired_tests
    assert (one, other) == (first, second)
    labels_N = first.scores.part.labels_N
    assert test == mcnemar(first.scores.logits, second.scores.logits, labels_N)
    right = [(run.scores.logits > 0) == (labels_N == 1) for run in compared.runs]
    assert compared.all_right == (right[0] & right[1]).sum()
    assert compared.all_wrong == (~right[0] & ~right[1]).sum()
    assert compared.differing_keys == {"model.readout": ["max", "attention"], "pretraining.epochs": [1, 0]}


def test_runs_with_the_same_name_are_called_by_their_paths(paths, tmp_path):
    twin = shutil.copytree(paths[1], tmp_path / "two")
    names = [run.name for run in compare_runs([paths[1], twin], ON_CPU).runs]
    assert names == [str(paths[1]), str(twin)]


def test_runs_with_other_reviews_are_not_compared(paths, folder, tmp_path):
    settings = ["data.validation_share=0.3", "training.epochs=1", "training.members=1"]
    train_run(read_config(paths[1] / "config.toml", settings), tmp_path / "run")
    with pytest.raises(UsageError, match="are not judged on the same reviews"):
        compare_runs([paths[0], tmp_path / "run"], replace(ON_CPU, split="train"))


def test_a_missing_split_is_refused(paths):
    with pytest.raises(DataError, match="no split named dev"):
        gather_facts(paths[0], replace(ON_CPU, split="dev"))


def test_the_shipped_model_has_a_name_and_no_curves(folder, few_reviews):
    found = gather_facts(SHIPPED, replace(ON_CPU, source=str(folder / "data")))
    assert found.run.name == "shipped model" and found.run.metrics == [] and not found.run.scores.is_own_data
    assert "no learning curves" in run_page(found)
