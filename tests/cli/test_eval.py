"""`sentiment eval`: thresholds, the list of mistakes, and the same answer from every way to score."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import sentiment
from sentiment.config import read_config
from sentiment.data.sources.files import read_table
from sentiment.errors import CheckError
from sentiment.evaluation import parity
from sentiment.evaluation.judge import mistakes, score_run
from sentiment.evaluation.parity import check_parity
from sentiment.inference.scoring import logit
from sentiment.system.storage import write_manifest
from sentiment.training.run import train_run
from tests.helpers import assert_one_error


@pytest.fixture
def scored(folder):
    """The run's predictor, and its scores of other.jsonl."""
    predictor = sentiment.load(folder / "run")
    return predictor, score_run(predictor, str(folder / "other.jsonl"))


def evaluated(command, folder, *options):
    code, stdout, stderr = command(
        "eval", folder / "run", "--data", folder / "other.jsonl", "--json", *options
    )
    assert code == 0, stderr
    return json.loads(stdout)


@pytest.mark.parametrize(("threshold", "positive"), [("0", 10), ("1", 0)])
def test_a_threshold_changes_which_reviews_are_called_positive(folder, command, threshold, positive):
    found = evaluated(command, folder, "--threshold", threshold)
    judged = found["evaluation"]
    assert judged["true_positives"] + judged["false_positives"] == positive
    assert found["threshold"] == float(threshold)
    plain = evaluated(command, folder)["evaluation"]
    assert {judged[key] == plain[key] for key in ("loss", "roc_auc", "calibration_error")} == {True}


def test_the_best_threshold_comes_from_validation_and_is_shown(folder, command):
    best = evaluated(command, folder, "--threshold", "best")["threshold"]
    predictor = sentiment.load(folder / "run")
    held_out = score_run(predictor, split="validation")
    accuracies = [held_out.judge(value).evaluation.accuracy for value in (best, 0.5, 0.3, 0.7)]
    assert accuracies[0] == max(accuracies)
    _, stdout, stderr = command("eval", folder / "run", "--split", "validation", "--threshold", best)
    assert "the run's epoch was chosen on these reviews" in stderr
    assert best == 0.5 or f"threshold    {best:.4f}" in stdout


@pytest.mark.parametrize("given", ["high", "1.5", "-0.1", "nan"])
def test_a_threshold_is_a_probability(folder, command, given):
    result = command("eval", folder / "run", "--split", "validation", f"--threshold={given}")
    assert_one_error(result, 2, "--threshold takes best or a probability", given)


def test_mistakes_are_written_the_worst_first(folder, command, tmp_path, scored):
    _, scores = scored
    file = tmp_path / "mistakes.jsonl"
    found = evaluated(command, folder, "--errors", file)["evaluation"]
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(records) == found["false_positives"] + found["false_negatives"] > 0
    texts, labels = scores.part.texts(), scores.part.labels_N
    for record in records:
        assert record["text"] == texts[record["position"]]
        assert record["label"] == ("negative", "positive")[labels[record["position"]]]
        assert record["prediction"]["label"] != record["label"]
    distances = [abs(record["prediction"]["probability"] - 0.5) for record in records]
    assert distances == sorted(distances, reverse=True)
    assert_one_error(
        command("eval", folder / "run", "--data", folder / "other.jsonl", "--errors", file), 2, "exists"
    )
    assert (
        command("eval", folder / "run", "--data", folder / "other.jsonl", "--errors", file, "--force")[0] == 0
    )
    assert evaluated(command, folder, "--data", file)["evaluation"]["accuracy"] == 0


def test_mistakes_have_the_columns_of_the_data_and_can_be_read_again(folder, command, tmp_path):
    rows = [json.loads(line) for line in (folder / "reviews.jsonl").read_text().splitlines()]
    renamed = [{"review": row["text"], "verdict": ["negative", "positive"][row["label"]]} for row in rows]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in renamed))
    run, file = tmp_path / "run", tmp_path / "mistakes.jsonl"
    columns = ["data.text_column=review", "data.label_column=verdict", f"data.source={tmp_path}/data.jsonl"]
    train_run(read_config(folder / "tiny.toml", columns), run)
    assert command("eval", run, "--data", tmp_path / "data.jsonl", "--errors", file)[0] == 0
    wrong = [json.loads(line) for line in file.read_text().splitlines()]
    assert wrong and all(row.keys() == {"position", "prediction", "review", "verdict"} for row in wrong)
    code, stdout, _ = command("predict", "--run", run, "--file", file)
    assert code == 0 and stdout.count("labelled") == len(wrong)
    code, stdout, _ = command("eval", run, "--data", file, "--json")
    assert code == 0 and json.loads(stdout)["evaluation"]["accuracy"] == 0


def test_mistakes_at_a_threshold(scored):
    predictor, scores = scored
    cut = float(np.sort(1 / (1 + np.exp(-scores.logits.astype(float))))[3]) + 1e-9
    wrong = mistakes(predictor, scores, cut)
    judged = scores.judge(cut).evaluation
    assert len(wrong) == judged.false_positives + judged.false_negatives
    assert {mistake.position for mistake in wrong} == set(
        np.flatnonzero((scores.logits > logit(cut)) != (scores.part.labels_N == 1)).tolist()
    )


def test_check_scores_reviews_in_every_way(folder, command, tmp_path):
    """The named run is checked, also if it is called `shipped` and there are other runs."""
    shutil.copytree(folder / "run", tmp_path / "shipped")
    (tmp_path / "random.py").write_text("raise SystemExit('this is not the library')\n")
    asked = ("eval", "./shipped", "--data", folder / "other.jsonl", "--check", "--json")
    code, stdout, stderr = command(*asked, cwd=tmp_path)
    assert code == 0, stderr
    found = json.loads(stdout)["parity"]
    assert found["reviews"] == 10 and max(found["alone"], found["together"], found["command"]) <= 1e-5


@pytest.fixture
def no_process(monkeypatch):
    """Take the probabilities of Python for those of the command, which starts a process."""
    monkeypatch.setattr(parity, "_run_predict_command", lambda texts, model, run: model.predict_proba(texts))


def test_check_prints_a_line(folder, command, no_process):
    code, stdout, stderr = command("eval", folder / "run", "--split", "validation", "--check")
    assert code == 0, stderr
    assert "reviews alone, together, by command: within" in stdout
    assert all(len(line) <= 80 for line in stdout.splitlines()[2:])


def test_check_fails_if_one_way_differs(folder, scored, no_process):
    predictor, scores = scored
    check_parity(predictor, folder / "run", scores).require()
    scores.logits[4] += 1e-3
    with pytest.raises(CheckError, match="depends on how it is asked for"):
        check_parity(predictor, folder / "run", scores).require()


def test_a_threshold_and_a_baseline_do_not_go_together(folder, command):
    result = command("eval", folder / "run", "--split", "validation", "--baseline", "--threshold", "best")
    assert_one_error(result, 2, "--threshold and --baseline do not go together")
    result = command("eval", folder / "run", "--split", "validation", "--baseline", "--threshold", "0.4")
    assert_one_error(result, 2, "--threshold and --baseline do not go together")


@pytest.mark.parametrize("half", ["0.50", ".5", "5e-1"])
def test_the_usual_threshold_may_be_given_with_a_baseline(folder, command, half):
    asked = ("eval", folder / "run", "--split", "validation", "--baseline", "--json", "--threshold", half)
    code, stdout, stderr = command(*asked)
    assert code == 0, stderr
    assert json.loads(stdout)["threshold"] == 0.5


@pytest.mark.parametrize("options", [("--baseline",), ("--threshold", "best"), ("--split", "train")])
def test_a_copy_of_the_runs_own_data_is_read_once(folder, command, tmp_path, monkeypatch, options):
    copy = shutil.copy(folder / "reviews.jsonl", tmp_path / "elsewhere.jsonl")
    read = []
    for module in ("locate", "folders"):
        monkeypatch.setattr(
            f"sentiment.data.sources.{module}.read_table",
            lambda path, settings: read.append(path) or read_table(path, settings),
        )
    assert command("eval", folder / "run", "--data", copy, *options)[0] == 0
    assert read == [Path(copy)]


def test_slices_have_their_own_accuracy(folder, command):
    found = evaluated(command, folder)
    assert {slicing["by"] for slicing in found["slices"]} == {"tokens", "read", "unknown words"}
    for slicing in found["slices"]:
        assert sum(part["reviews"] for part in slicing["slices"]) == 10
        right = sum(part["reviews"] * part["accuracy"] for part in slicing["slices"])
        assert right == pytest.approx(10 * found["evaluation"]["accuracy"])
    _, stdout, _ = command("eval", folder / "run", "--split", "validation", "--baseline")
    lines = stdout.splitlines()
    assert {"tokens", "read", "unknown"} <= {line.split()[0] for line in lines}
    assert all(len(line) <= 80 for line in lines[2:])


def test_a_copy_of_the_runs_own_data_has_the_runs_own_splits(folder, command, tmp_path):
    copy = shutil.copy(folder / "reviews.jsonl", tmp_path / "elsewhere.jsonl")
    own = json.loads(command("eval", folder / "run", "--split", "validation", "--json")[1])["evaluation"]
    asked = ("eval", folder / "run", "--data", copy, "--json", "--split")
    assert json.loads(command(*asked, "validation")[1])["evaluation"] == own
    train = json.loads(command(*asked, "train")[1])["evaluation"]
    assert train["reviews"] + own["reviews"] == 60
    code, stdout, stderr = command(*asked, "test")
    found = json.loads(stdout)
    assert (found["split"], found["evaluation"]["reviews"]) == ("all", 60)
    assert code == 0 and "warning: the run was trained on most of these reviews; --split valid" in stderr
    assert "warning" in command(*asked, "train")[2] and "warning" not in command(*asked, "validation")[2]


@pytest.mark.parametrize("film", [None, "another"])
def test_a_copy_without_its_films_is_not_split_again(folder, command, tmp_path, film):
    """It would be split in another way, and the run would be judged on reviews it learned from."""
    rows = [json.loads(line) for line in (folder / "reviews.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        row.pop("film")
        if film is not None:
            row["film"] = f"{film}-{number // 2}"
    copy = tmp_path / "copy.jsonl"
    copy.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for split in ("train", "validation"):
        result = command("eval", folder / "run", "--data", copy, "--split", split)
        assert_one_error(result, 3, "the reviews that the run was started on, but other groups (film)")


def test_a_copy_replaces_the_runs_own_data_if_they_are_gone(folder, command, tmp_path):
    run = shutil.copytree(folder / "run", tmp_path / "run")
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace(str(folder), str(tmp_path / "gone")))
    write_manifest(run)
    asked = ("--data", folder / "reviews.jsonl", "--split", "validation", "--json")
    for option in (("--baseline",), ("--threshold", "best")):
        own = json.loads(command("eval", folder / "run", *asked, *option)[1])
        code, stdout, stderr = command("eval", run, *asked, *option)
        assert code == 0, stderr
        found = json.loads(stdout)
        assert (found["evaluation"], found["threshold"]) == (own["evaluation"], own["threshold"])
        if "baseline" in own:
            assert found["baseline"]["evaluation"] == own["baseline"]["evaluation"]


def test_without_a_test_split_validation_is_judged(folder, command):
    by_default = command("eval", folder / "run", "--json")
    asked_for = command("eval", folder / "run", "--json", "--split", "validation")
    first, second = json.loads(by_default.stdout), json.loads(asked_for.stdout)
    assert first.pop("reviews_per_second") and second.pop("reviews_per_second")
    assert first == second and first["split"] == "validation"
    assert "reviews.jsonl has no test split; judging the validation split" in by_default.stderr
    assert "no test split" not in asked_for.stderr


def test_without_test_and_validation_the_splits_are_named(folder, command, tmp_path):
    run = tmp_path / "whole"
    train_run(read_config(folder / "tiny.toml", ["data.validation=none"]), run)
    assert_one_error(command("eval", run), 3, "no split named test", "train")


def test_a_folder_of_other_reviews_keeps_its_own_splits(folder, command, tmp_path):
    shutil.copy(folder / "other.jsonl", tmp_path / "train.jsonl")
    asked = ("eval", folder / "run", "--data", tmp_path, "--json")
    for split in ([], ["--split", "train"]):
        code, stdout, stderr = command(*asked, *split)
        found = json.loads(stdout)
        assert (code, found["split"], found["evaluation"]["reviews"], stderr) == (0, "train", 10, "")
    for split in ("test", "validation"):
        assert_one_error(command(*asked, "--split", split), 3, f"no split named {split}", "one of train")


def test_a_file_of_other_reviews_has_no_validation_split(folder, command):
    asked = ("eval", folder / "run", "--data", folder / "other.jsonl", "--split")
    assert command(*asked, "test")[0] == command(*asked, "train")[0] == 0
    assert_one_error(command(*asked, "validation"), 3, "no split named validation")
    assert_one_error(command(*asked, "bogus"), 3, "no split named bogus")


def test_other_reviews_at_the_path_of_the_runs_data_are_noticed(folder, command, tmp_path):
    run = shutil.copytree(folder, tmp_path / "moved") / "run"
    config = (run / "config.toml").read_text().replace(str(folder), str(tmp_path / "moved"))
    (run / "config.toml").write_text(config)
    write_manifest(run)
    shutil.copy(folder / "other.jsonl", run.parent / "reviews.jsonl")
    code, stdout, stderr = command("eval", run, "--data", run.parent / "reviews.jsonl", "--json")
    assert (code, json.loads(stdout)["evaluation"]["reviews"], stderr) == (0, 10, "")


def test_a_folder_with_the_runs_reviews_gives_a_warning(folder, command, tmp_path):
    shutil.copy(folder / "reviews.jsonl", tmp_path / "train.jsonl")
    shutil.copy(folder / "other.jsonl", tmp_path / "test.jsonl")
    asked = ("eval", folder / "run", "--data", tmp_path, "--json")
    assert json.loads(command(*asked)[1])["split"] == "test"
    code, stdout, stderr = command(*asked, "--split", "train")
    assert code == 0 and "warning: the run was trained on these reviews" in stderr
    assert json.loads(stdout)["evaluation"]["reviews"] < 60


def test_a_copy_is_recognised_without_the_extra_texts_and_phrases(
    folder, command, tmp_path, write_rows, config_for, monkeypatch
):
    extra = write_rows(tmp_path / "extra.jsonl", [{"text": "not dull", "label": 1}])
    keys = (f"data.extra = '{extra}'", "evidence.phrases = 1.0", "evidence.weight = 0.5")
    small = ("model.embedding = 4", "model.hidden = 4", "model.layers = 1", "training.epochs = 1")
    train_run(config_for(folder / "reviews.jsonl", *keys, *small), tmp_path / "run")
    extra.unlink()
    monkeypatch.setattr("sentiment.data.prepare.load_phrases", lambda: {})  # a later release has others
    copied = shutil.copy(folder / "reviews.jsonl", tmp_path / "copied.jsonl")
    asked = ("eval", tmp_path / "run", "--data", copied)
    assert "trained on most of these reviews" in command(*asked)[2]
    assert command(*asked, "--split", "validation")[0] == 0


def test_reviews_that_have_changed_are_no_validation_split(folder, command, tmp_path):
    run = shutil.copytree(folder, tmp_path / "moved") / "run"
    (run / "config.toml").write_text(
        (run / "config.toml").read_text().replace(str(folder), str(tmp_path / "moved"))
    )
    write_manifest(run)
    assert command("eval", run, "--split", "validation")[0] == 0
    with (run.parent / "reviews.jsonl").open("a") as file:
        file.write('{"text": "One more.", "label": 1, "film": "f0"}\n')
    for split in ("train", "validation"):
        result = command("eval", run, "--split", split)
        assert_one_error(result, 3, "no longer holds the reviews that the run was started on")
