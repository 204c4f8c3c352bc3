"""`sentiment predict`, called in this process: every output has the same label and probability."""

import json
import shlex
import shutil

import pytest
import torch

from sentiment.inference.predictor import Prediction
from sentiment.inference.scoring import logit
from sentiment.inference.wording import confidence_percent
from tests.helpers import assert_one_error


def test_every_output_names_the_label_and_how_sure_the_model_is(folder, command, tmp_path):
    page = tmp_path / "page.html"
    asked = ("predict", "--run", folder / "run", "a dull film", "a lovely film")
    found = [json.loads(line) for line in command(*asked, "--json").stdout.splitlines()]
    predictions = [
        Prediction(**record, probabilities={"negative": 1 - positive, "positive": positive})
        for record in found
        for positive in [record.pop("probability")]
    ]
    for prediction in predictions:
        positive = prediction.probability
        assert prediction.label == ("positive" if positive > 0.5 else "negative")
        assert prediction.confidence == max(positive, 1 - positive)
    plain = command(*asked).stdout.splitlines()
    explained = command(*asked, "--explain", "--html", page).stdout.splitlines()
    html = page.read_text(encoding="utf-8")
    for number, (prediction, line) in enumerate(zip(predictions, plain, strict=True), start=1):
        percent = confidence_percent(prediction)
        label, second, notes = line.split("\t")
        assert (label, second) == (prediction.label, percent) and notes.startswith("3 tokens")
        assert line in explained
        assert f"<h2>{number}. {label}, {percent} sure</h2>" in html


def test_a_doubt_is_in_every_output_and_unreadable_reviews_are_counted(command, tmp_path):
    asked = ("predict", "--run", "shipped", "Superb.", "Отличный фильм!")
    plain, found = command(*asked), command(*asked, "--json")
    for result in (plain, found, command(*asked, "--explain")):
        assert "1 of 2 reviews unreadable: the model knows next to none of the words" in result.stderr
    first, second = map(json.loads, found.stdout.splitlines())
    assert (first["label"], second["label"]) == ("positive", "unreadable")
    assert second["doubt"].startswith("no known word")
    lines = plain.stdout.splitlines()
    assert lines[0].split("\t")[0] == "positive" and lines[0].endswith(f", doubt: {first['doubt']}")
    assert lines[1].startswith("unreadable\tpositive at 5")


@pytest.fixture
def kept_run(folder, tmp_path):
    """A copy of the run, to keep a threshold next to."""
    return shutil.copytree(folder / "run", tmp_path / "run")


def labels(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line)["label"] for line in result.stdout.splitlines()]


def test_a_kept_threshold_is_used_and_said_and_an_option_wins(folder, kept_run, command):
    judged = command("eval", kept_run, "--data", folder / "other.jsonl", "--threshold", "1", "--keep")
    assert judged.returncode == 0 and f"1 in {kept_run}/decision.json; predict uses it" in judged.stdout
    asked = ("predict", "--run", kept_run, "--json", "a dull film", "a lovely film")
    kept = command(*asked)
    assert labels(kept) == ["negative"] * 2
    assert "using the threshold 1 that was kept in decision.json" in kept.stderr
    given = command(*asked, "--threshold", "0")
    assert labels(given) == ["positive"] * 2 and "using the threshold" not in given.stderr
    plain = command("eval", kept_run, "--data", folder / "other.jsonl", "--json")
    assert json.loads(plain.stdout)["threshold"] == 0.5


def test_a_threshold_is_kept_only_if_it_is_named_and_never_for_the_shipped_model(folder, command):
    result = command("eval", folder / "run", "--data", folder / "other.jsonl", "--keep")
    assert_one_error(result, 2, "--keep keeps a threshold; name it: --threshold best")
    result = command("eval", "shipped", "--data", folder / "other.jsonl", "--keep", "--threshold", "0.4")
    assert_one_error(result, 2, "a threshold cannot be kept for the shipped model")


def test_unreadable_comes_before_unsure_and_unsure_before_the_threshold(command):
    asked = ("predict", "--run", "shipped", "--json", "👎", "Wow!", "Superb.")
    assert labels(command(*asked)) == ["unreadable", "positive", "positive"]
    assert labels(command(*asked, "--unsure", "0.35:0.65")) == ["unreadable", "unsure", "positive"]
    assert labels(command(*asked, "--unsure", "0:1", "--threshold", "0.9")) == [
        "unreadable",
        "unsure",
        "unsure",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--unsure", "0.4"], "--unsure takes two probabilities such as 0.35:0.65, not 0.4"),
        (["--unsure", "0.4:x"], "--unsure takes two probabilities from 0 to 1, not x"),
        (["--unsure", "0.6:0.4"], "type --unsure 0.4:0.6"),
        (["--threshold", "best"], "--threshold takes a probability from 0 to 1, not best"),
    ],
)
def test_a_wrong_decision_says_what_to_type(command, options, words):
    assert_one_error(command("predict", "fine", *options), 2, words)


def test_an_existing_file_is_no_review(command, tmp_path):
    (tmp_path / "mails.csv").write_text("text\ngood\n")
    result = command("predict", "mails.csv", cwd=tmp_path)
    assert_one_error(result, 2, "mails.csv is a file, not a review; did you mean --file mails.csv?")
    assert command("predict", "--run", "shipped", "x" * 5000).returncode == 0


@pytest.mark.parametrize("review", ["-5 out of 10", "-7", "- good film", "--great film"])
def test_a_review_that_begins_with_a_dash_comes_after_two_dashes(command, review):
    assert_one_error(command("predict", review), 2, "put -- before the reviews", f"-- {shlex.quote(review)}")
    assert command("predict", "--run", "shipped", "--", review).returncode == 0


def test_a_misspelt_option_is_still_named(command):
    assert_one_error(command("predict", "fine", "--jsn"), 2, "No such option: --jsn")


def test_a_table_comes_out_with_its_counts_on_stderr(command, tmp_path):
    (tmp_path / "in.csv").write_text("id;Review\n01;Superb.\n02;\n03;👎\n")
    asked = ("predict", "--run", "shipped", "--file", "in.csv", "--out", "out.csv")
    code, stdout, stderr = command(*asked, cwd=tmp_path)
    assert (code, stdout) == (0, "")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "id;Review;label;probability;doubt"
    assert [line.split(";")[:3] for line in lines[1:]] == [
        ["01", "Superb.", "positive"],
        ["02", "", ""],
        ["03", "👎", "unreadable"],
    ]
    assert "wrote out.csv: 3 rows (1 positive, 1 unreadable, 1 not predicted)" in stderr
    assert "not predicted: in.csv, line 3: the text is empty" in stderr
    assert_one_error(command(*asked, cwd=tmp_path), 2, "out.csv exists", "--force")
    assert_one_error(
        command(*asked, "--force", "--strict", cwd=tmp_path), 3, "in.csv, line 3: the text is empty"
    )
    assert_one_error(
        command(*asked, "--json", cwd=tmp_path), 2, "--out goes without --explain, --html and --json"
    )
    assert_one_error(command(*asked[:-1], "in.csv", "--force", cwd=tmp_path), 2, "is the file that is read")


BAD_LINES = "Superb.\n\nDull and awful.\n \n"


def test_a_line_that_cannot_be_predicted_keeps_its_place(command, tmp_path):
    asked = ("predict", "--run", "shipped", "--file", "-")
    code, stdout, stderr = command(*asked, input=BAD_LINES)
    assert code == 0
    assert [line.split("\t")[0] for line in stdout.splitlines()] == ["positive", "", "negative", ""]
    assert stdout.splitlines()[1] == "\t\tnot predicted: the text is empty"
    named = "(stdin, line 2: the text is empty; stdin, line 4: the text is empty)"
    assert f"not predicted: 2 reviews {named}" in stderr
    found = [json.loads(line) for line in command(*asked, "--json", input=BAD_LINES).stdout.splitlines()]
    assert [record["label"] for record in found] == ["positive", None, "negative", None]
    assert found[1].keys() == found[0].keys() and found[1]["doubt"] == "the text is empty"
    assert command(*asked, "--skip-bad-rows", input=BAD_LINES).stdout.count("\n") == 2


def test_a_line_that_cannot_be_explained_keeps_its_place(command, tmp_path):
    asked = ("predict", "--run", "shipped", "--file", "-", "--html", tmp_path / "page.html")
    code, stdout, stderr = command(*asked, input=BAD_LINES)
    assert code == 0 and "not predicted: 2 reviews" in stderr
    assert [line.split("\t")[0] for line in stdout.splitlines()] == ["positive", "", "negative", ""]


def test_lines_of_stdin_become_a_table(command, tmp_path):
    asked = ("predict", "--run", "shipped", "--file", "-", "--out", "out.jsonl", "--unsure", "0:1")
    assert command(*asked, cwd=tmp_path, input="Superb.\n\n").returncode == 0
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["text"], row["label"]) for row in found] == [("Superb.", "unsure"), ("", None)]


@pytest.mark.parametrize("option", ["--out", "--html"])
@pytest.mark.parametrize("manner", ["name", "hard link", "link", "stdin"])
def test_the_file_that_is_read_is_not_written_over(command, tmp_path, option, manner):
    source, target = tmp_path / "in.csv", tmp_path / "in.csv"
    source.write_text("text\nSuperb.\n")
    if "link" in manner:
        target = tmp_path / "other.csv"
        target.hardlink_to(source) if manner == "hard link" else target.symlink_to(source)
    asked = ("predict", "--run", "shipped", option, target, "--force", "--file")
    if manner == "stdin":
        with source.open() as stream:
            result = command(*asked, "-", stdin=stream)
    else:
        result = command(*asked, source)
    assert_one_error(result, 2, f"{option} {target} is the file that is read; choose another name")
    assert source.read_text() == "text\nSuperb.\n"


FAST_TEXTS = "".join(f"Scene {n} was {('bright, ' * n) or 'dull, '}and I liked it.\n" for n in range(40))


def test_fast_says_that_it_scores_in_float32_where_the_device_has_no_bfloat16(command, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    asked = ("predict", "--run", "shipped", "--device", "cpu", "--json", "--file", "-")
    plain, fast = (command(*asked, *options, input=FAST_TEXTS) for options in ([], ["--fast"]))
    assert plain.stdout == fast.stdout and not plain.stderr
    assert fast.stderr == "--fast: cpu cannot compute in bfloat16; scoring in float32\n"


def test_fast_changes_the_logits_a_little(command, monkeypatch):
    """In bfloat16 by emulation: what this CPU has is not asked."""
    monkeypatch.setattr("sentiment.system.device._try_precision", lambda machine: None)
    asked = ("predict", "--run", "shipped", "--device", "cpu", "--json", "--file", "-")
    logits = []
    for options in ([], ["--fast"]):
        result = command(*asked, *options, input=FAST_TEXTS)
        assert not result.stderr
        logits.append([logit(json.loads(line)["probability"]) for line in result.stdout.splitlines()])
    changes = [abs(one - other) for one, other in zip(*logits, strict=True)]
    assert len(changes) == 40 and 1e-5 < max(changes) < 0.1


@pytest.mark.parametrize("option", [["--explain"], ["--html", "page.html"]])
def test_fast_explains_nothing(command, tmp_path, option):
    result = command("predict", "fine", "--fast", *option, cwd=tmp_path)
    assert_one_error(result, 2, "--fast goes without --explain and --html")
