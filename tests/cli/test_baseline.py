"""`sentiment baseline` and `sentiment eval --baseline`, called in this process."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

import sentiment
from sentiment.cli.table import comparison_rows
from sentiment.config import read_config
from sentiment.data.parts import load_part, load_split
from sentiment.data.prepare import prepare
from sentiment.evaluation.baseline import fit_baseline
from sentiment.evaluation.judge import compare_with_baseline, score_run
from sentiment.evaluation.metrics import evaluate, mcnemar
from sentiment.training.run import train_run
from tests.helpers import assert_one_error, reviews

# --- baseline ------------------------------------------------------------------------------------------


def test_baseline_on_the_sample(command):
    code, stdout, stderr = command("baseline", "--data", "sample", "--threads", 1)
    recipe = "using the recipe small: 2,400 training rows (fewer than 5,000)"
    assert code == 0 and stderr == f"{recipe}\nfitting the baseline\n"
    for words in ("n-gram baseline", "600 (test of sample)", "accuracy", "n-grams of", "2,162 reviews"):
        assert words in stdout
    assert all(len(line) <= 80 for line in stdout.splitlines())


def test_baseline_as_json_is_fitted_on_what_a_run_trains_on(folder, command):
    code, stdout, _ = command("baseline", folder / "tiny.toml", "--split", "validation", "--json")
    assert code == 0
    found = json.loads(stdout)
    prepared = prepare(read_config(folder / "tiny.toml"), 1)
    assert found["fit_reviews"] == len(prepared.train.labels_N)
    assert found["evaluation"]["reviews"] == len(prepared.validation.labels_N)
    assert (found["split"], found["source"]) == ("validation", str(folder / "reviews.jsonl"))
    assert found["evaluation"]["accuracy"] == 1.0
    assert found["fit_ngrams"] > 0 and found["fit_seconds"] > 0 and found["reviews_per_second"] > 0


def test_set_and_data_change_what_is_fitted(folder, command):
    arguments = ["baseline", folder / "tiny.toml", "--split", "validation", "--json"]
    half = json.loads(command(*arguments, "--set", "data.validation_share=0.5")[1])
    assert half["fit_reviews"] < 40
    other = json.loads(command(*arguments, "--data", folder / "other.jsonl")[1])
    assert other["fit_reviews"] + other["evaluation"]["reviews"] == 10


def test_a_missing_split_is_named(folder, command):
    assert_one_error(command("baseline", folder / "tiny.toml"), 3, "no split named test", "train, validation")


def test_training_reviews_of_one_class_are_refused(tmp_path, command, write_rows):
    rows = reviews(12, ["dull", "bright"])
    write_rows(tmp_path / "train.jsonl", rows[::2])
    write_rows(tmp_path / "validation.jsonl", rows)
    result = command("baseline", "--data", tmp_path, "--split", "validation")
    assert_one_error(result, 3, "one class only")


@pytest.mark.parametrize("change", [["--set", "training.epoch=3"], ["--no-such-option"]])
def test_bad_requests_end_with_2(folder, command, change):
    assert_one_error(command("baseline", folder / "tiny.toml", *change), 2, change[-1].split("=")[0])


def test_help_fits_a_terminal(command):
    for name in ("baseline", "eval"):
        code, stdout, _ = command(name, "--help")
        assert code == 0 and all(len(line) <= 80 for line in stdout.splitlines())


# --- eval --baseline -----------------------------------------------------------------------------------


def test_eval_prints_the_run_and_the_baseline_side_by_side(folder, command):
    code, stdout, stderr = command("eval", folder / "run", "--split", "validation", "--baseline")
    assert code == 0 and stderr.endswith("which flatters a little\nfitting the baseline\n")
    lines = {line[:12].strip(): line[13:] for line in stdout.splitlines()}
    assert lines["model"].split() == ["run", "n-gram", "baseline"]
    assert lines["accuracy"].count("95%") == 2 and lines["alone right"].count("reviews") == 2
    assert lines["McNemar"].endswith("may be chance") and "n-grams of" in lines["fit"]
    assert all(len(line) <= 80 for line in stdout.splitlines() if not line.startswith("reviews"))


@pytest.mark.parametrize(
    ("only_first", "only_second", "verdict"),
    [
        (76, 41, "p = 0.0016: run is better"),
        (41, 76, "p = 0.0016: the baseline is better"),
        (5, 4, "p = 1: the difference may be chance"),
        (90, 1, "p < 0.0001: run is better"),
    ],
)
def test_the_verdict_names_the_better_one(folder, only_first, only_second, verdict):
    predictor = sentiment.load(folder / "run")
    compared = compare_with_baseline(predictor, score_run(predictor, split="validation"))
    right_N = np.ones(only_first + only_second, dtype=np.int8)
    first_N = np.where(np.arange(len(right_N)) < only_first, 1.0, -1.0)
    test = mcnemar(first_N, -first_N, right_N)
    assert comparison_rows("run", replace(compared, paired_test=test))["McNemar"] == [verdict]


def test_eval_with_a_baseline_gives_the_run_the_same_figures_as_eval(folder, command):
    arguments = ["eval", folder / "run", "--split", "validation", "--json"]
    alone, both = (json.loads(command(*arguments, *extra)[1]) for extra in ([], ["--baseline"]))
    linear = json.loads(command("baseline", folder / "tiny.toml", *arguments[2:])[1])
    for found in (alone, both, both["baseline"], linear):
        found.pop("reviews_per_second")
        found.pop("fit_seconds", None)
    assert both.pop("baseline") == linear
    test = both.pop("paired_test")
    assert test.keys() == {"only_first", "only_second", "p_value"}
    assert both == alone
    right = [
        found["true_positives"] + found["true_negatives"]
        for found in (both["evaluation"], linear["evaluation"])
    ]
    assert test["only_first"] - test["only_second"] == right[0] - right[1]


def test_another_source_is_judged_by_a_baseline_of_the_runs_own_reviews(folder, command):
    other = folder / "other.jsonl"
    found = json.loads(command("eval", folder / "run", "--baseline", "--json", "--data", other)[1])
    config = read_config(folder / "tiny.toml")
    baseline = fit_baseline(load_part(config, "train", 1), config.seed)
    part = load_split(config.with_source(str(other)), None, 1)
    model = sentiment.load(folder / "run", device="cpu", threads=1)
    encoded, labels_N = part.encode(model.vocabulary, model.config.text)
    linear_N, network_N = baseline.logits(part), model.logits(encoded)
    assert found["baseline"]["evaluation"] == asdict(evaluate(linear_N, labels_N))
    assert found["paired_test"] == asdict(mcnemar(network_N, linear_N, labels_N))
    assert found["baseline"]["fit_reviews"] == baseline.reviews
    assert found["source"] == found["baseline"]["source"] == str(other)


def test_eval_with_a_baseline_needs_the_runs_own_data(folder, tmp_path, command):
    moved = shutil.copytree(folder, tmp_path / "moved")
    source = json.dumps(str(moved / "reviews.jsonl"))
    train_run(read_config(moved / "tiny.toml", [f"data.source={source}"]), moved / "other-run")
    lines = (moved / "reviews.jsonl").read_text().splitlines(keepends=True)
    (moved / "reviews.jsonl").write_text("".join(lines[:-1]))
    asked = ("eval", moved / "other-run", "--baseline", "--data", moved / "other.jsonl")
    assert_one_error(command(*asked), 3, str(moved / "reviews.jsonl"), "no longer holds the reviews")
    (moved / "reviews.jsonl").unlink()
    assert_one_error(command(*asked), 3, str(moved / "reviews.jsonl"))
