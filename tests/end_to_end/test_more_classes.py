"""Three classes from a table to a report, with every stage of a training."""

import json
import os
import signal

import numpy as np
import pytest

import sentiment
from sentiment.config import read_config
from sentiment.errors import Interrupted
from sentiment.evaluation.judge import score_run
from sentiment.runs import RunFolder
from sentiment.training.loop import Step
from sentiment.training.run import resume_run, train_run

MOODS = {"bad": "was dull and awful", "mixed": "was plain and usual", "good": "was bright and lovely"}
KEYS = """
[batches]
tokens = 240
[vocabulary]
min_frequency = 1
[model]
embedding = 8
hidden = 6
layers = 1
[pretraining]
epochs = 1
samples = 10
[training]
epochs = 4
learning_rate = 0.03
members = 2
adversarial = 0.1
checkpoint_steps = 3
class_weight = "balanced"
[self_training]
epochs = 2
[evidence]
weight = 0.4
size = 40
unlabelled = 0.5
[calibration]
temperature = true
[machine]
device = "cpu"
threads = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with train.jsonl (30, 18 and 12 reviews of each class), unsupervised.jsonl and a run."""
    folder = tmp_path_factory.mktemp("moods")
    counts = {"bad": 30, "mixed": 18, "good": 12}
    rows = [
        {"text": f"Take {take} {MOODS[mood]}.", "mood": mood}
        for mood in MOODS
        for take in range(counts[mood])
    ]
    unlabelled = [{"text": f"It {words}, said {number}."} for number, words in enumerate(MOODS.values())]
    (folder / "data").mkdir()
    for name, content in (("train", rows), ("unsupervised", unlabelled)):
        text = "".join(json.dumps(row) + "\n" for row in content)
        (folder / "data" / f"{name}.jsonl").write_text(text)
    source = json.dumps(str(folder / "data"))
    data = (
        f'[data]\nsource = {source}\nlabel_column = "mood"\nvalidation = "random"\nvalidation_share = 0.3\n'
    )
    (folder / "moods.toml").write_text(data + KEYS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        train_run(read_config(folder / "moods.toml"), folder / "run")
    return folder


def test_the_run_knows_its_classes_and_how_many_reviews_each_has(folder):
    facts = json.loads((folder / "run" / "run.json").read_text())
    assert facts["data"]["class_names"] == ["bad", "good", "mixed"]
    assert facts["data"]["classes"] == {"bad": "bad", "good": "good", "mixed": "mixed"}
    assert facts["data"]["class_counts"]["validation"] == {"bad": 9, "good": 4, "mixed": 6}
    judged = facts["result"]["validation"]
    assert np.sum(judged["confusion"]) == 19 and judged["f1"] is None and judged["macro_f1"] > 0.9


def test_a_stopped_training_ends_with_the_same_bytes(folder, tmp_path, monkeypatch):
    steps = []

    def count_and_stop(self, state_of_step):
        steps.append(state_of_step)
        if len(steps) == 9:
            os.kill(os.getpid(), signal.SIGTERM)

    append = RunFolder.append_metrics

    def stop_in_the_middle(self, record):
        if record["event"] == Step.__name__.lower():
            count_and_stop(self, record)
        return append(self, record)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(RunFolder, "append_metrics", stop_in_the_middle)
        train_run(read_config(folder / "moods.toml"), tmp_path / "run")
    resume_run(tmp_path / "run")
    for name in ("model.safetensors", "metrics.jsonl", "golden.json", "vocabulary.txt"):
        assert (tmp_path / "run" / name).read_bytes() == (folder / "run" / name).read_bytes(), name


def test_predictions_have_a_probability_of_each_class(folder, command):
    predictor = sentiment.load(folder / "run")
    texts = [f"It {words}." for words in MOODS.values()]
    found = predictor.predict(texts)
    assert [prediction.label for prediction in found] == list(MOODS)
    probabilities_NK = predictor.predict_proba(texts)
    assert probabilities_NK.shape == (3, 3)
    np.testing.assert_allclose(probabilities_NK.sum(axis=1), 1)
    assert predictor.class_names == ("bad", "good", "mixed")
    assert found[2].confidence == pytest.approx(probabilities_NK[2, 1])
    shown = command("predict", "--run", folder / "run", *texts, "--json")
    first = json.loads(shown.stdout.splitlines()[0])
    assert {"probability_bad", "probability_good", "probability_mixed"} < first.keys()
    assert "probability" not in first
    alone = [predictor.predict_proba([text])[0] for text in texts]
    np.testing.assert_allclose(alone, probabilities_NK, atol=1e-5)


def test_a_table_gets_a_column_for_each_class(folder, command, tmp_path):
    (tmp_path / "in.csv").write_text("text,probability_bad\nIt was dull and awful.,7\n,8\n")
    result = command("predict", "--run", folder / "run", "--file", "in.csv", "--out", "out.csv", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    header, first, second = (tmp_path / "out.csv").read_text().splitlines()
    added = "label,predicted_probability_bad,probability_good,probability_mixed,doubt"
    assert header == f"text,probability_bad,{added}"
    assert first.startswith("It was dull and awful.,7,bad,") and second.startswith(",8,,,,,")


def test_eval_has_the_figures_of_each_class(folder, command):
    result = command("eval", folder / "run", "--split", "validation", "--json", "--baseline")
    judged = json.loads(result.stdout)["evaluation"]
    assert [own["name"] for own in judged["classes"]] == ["bad", "good", "mixed"]
    assert [own["support"] for own in judged["classes"]] == [9, 4, 6]
    assert np.trace(judged["confusion"]) == round(judged["accuracy"] * 19)
    shown = command("eval", folder / "run", "--split", "validation").stdout
    assert "macro F1" in shown and "labelled" in shown


@pytest.mark.slow
def test_every_way_to_score_gives_the_same_probabilities(folder, command):
    assert "within" in command("eval", folder / "run", "--split", "validation", "--check").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("eval", "--threshold", "0.4"),
        ("eval", "--threshold", "best"),
        ("predict", "--threshold", "0.4", "It."),
        ("predict", "--unsure", "0.4:0.6", "It."),
    ],
)
def test_a_threshold_needs_two_classes(folder, command, arguments):
    name, *options = arguments
    run = [folder / "run"] if name == "eval" else ["--run", folder / "run"]
    result = command(name, *run, *options)
    assert result.returncode == 2
    assert f"error: {options[0]} needs two classes, but the run has 3" in result.stderr


def test_the_probe_is_for_negative_and_positive(folder, command):
    result = command("probe", folder / "run")
    assert result.returncode == 2 and "the classes of the run are bad, good, mixed" in result.stderr


def test_an_explanation_is_of_the_likeliest_class_or_of_another(folder, command):
    predictor = sentiment.load(folder / "run")
    text = "It was bright and lovely."
    (own,) = sentiment.explain_reviews(predictor, [text])
    assert own.explained_class == own.prediction.label == "good" and own.logit > 0
    (other,) = sentiment.explain_reviews(predictor, [text], class_name="bad")
    assert other.logit < 0
    for found in (own, other):
        total = sum(token.contribution for token in found.tokens) + found.base + found.rest
        assert total == pytest.approx(found.logit, abs=1e-4)
    result = command("predict", "--run", folder / "run", text, "--explain-class", "bad")
    assert "speaks for bad" in result.stdout
    refused = command("predict", "--run", folder / "run", text, "--explain-class", "fine")
    assert refused.returncode == 2 and "has no class fine; its classes are bad, good, mixed" in refused.stderr


def test_a_report_has_a_row_and_a_column_for_each_class(folder, tmp_path):
    sentiment.write_report([folder / "run"], tmp_path / "page.html", split="validation")
    page = (tmp_path / "page.html").read_text()
    for name in ("bad", "good", "mixed"):
        assert f"called {name}" in page and f"{name} reviews" in page
    assert "macro F1" in page and "majority share" in page and "ROC" not in page


def test_labels_of_another_table_are_those_of_the_run_and_no_others(folder, command, tmp_path, write_rows):
    rows = [{"text": f"It {words} {n}.", "mood": mood} for n, (mood, words) in enumerate(MOODS.items())]
    same = write_rows(tmp_path / "same.jsonl", rows)
    assert command("eval", folder / "run", "--data", same, "--json").returncode == 0
    numbers = write_rows(tmp_path / "numbers.jsonl", [row | {"mood": n % 2} for n, row in enumerate(rows)])
    refused = command("eval", folder / "run", "--data", numbers)
    assert refused.returncode == 3
    assert "the classes are bad, good, mixed, so say which labels are which" in refused.stderr
    mapped = ["--classes", "bad=0 good=1"]
    assert command("eval", folder / "run", "--data", numbers, *mapped, "--json").returncode == 0
    unknown = command("eval", folder / "run", "--data", numbers, "--classes", "bad=0 fine=1")
    assert unknown.returncode == 2 and "the run has no class fine" in unknown.stderr


def test_the_scores_of_a_split_have_a_column_for_each_class(folder):
    scores = score_run(sentiment.load(folder / "run"), split="validation")
    assert scores.logits.shape == (19, 3)
