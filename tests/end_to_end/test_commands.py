"""The commands as a user sees them: output, exit codes, one line for an error, nothing overwritten."""

import json
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sentiment
from sentiment.config import read_config
from sentiment.runs import read_run
from tests.helpers import assert_one_error


def test_a_finished_run_holds_exactly_these_files(finished_run):
    files = {str(file.relative_to(finished_run)) for file in finished_run.rglob("*") if file.is_file()}
    newest = sorted(finished_run.glob("checkpoints/*"))
    assert len(newest) == 2
    inside = {"beside.json", "manifest.json", "progress.json", "state.safetensors"}
    checkpoints = {f"checkpoints/{folder.name}/{name}" for folder in newest for name in inside}
    assert files - checkpoints == {
        ".lock",
        "config.toml",
        "golden.json",
        "manifest.json",
        "metrics.jsonl",
        "model.safetensors",
        "run.json",
        "vocabulary.txt",
    }


def test_the_saved_configuration_is_the_one_that_was_asked_for(tiny, finished_run):
    assert read_config(finished_run / "config.toml") == read_config(tiny / "tiny.toml")


def test_run_json_says_what_made_the_run(finished_run):
    facts = read_run(finished_run).facts
    assert facts["seed"] == 3
    assert facts["machine"] == {"device": "cpu", "threads": 1, "processes": 1, "precision": "float32"}
    assert facts["data"]["validation_rule"] == "group" and facts["data"]["shared_groups"] == 0
    assert facts["data"]["train"] + facts["data"]["validation"] == 240
    assert {"python", "torch", "spacy", "torchtext", "datasets"} <= facts["versions"].keys()
    assert facts["result"]["validation"]["accuracy"] > 0.8


def test_train_prints_a_result_and_logs_to_stderr(tiny, tmp_path, command):
    result = command("train", tiny / "tiny.toml", "--run", tmp_path / "run", "--set", "training.epochs=1")
    assert result.returncode == 0
    assert "of validation (95%: " in result.stdout and "peak memory" in result.stdout
    assert "training, epoch 1" in result.stdout and "best so far" in result.stdout
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    sentences = ("warning: ", str(tmp_path))  # a warning is a sentence, a path may be long
    assert all(len(line) <= 80 for line in lines if not any(one in line for one in sentences))
    assert "training 1/1: loss" in result.stderr and "largest batch" in result.stderr
    assert "\r" not in result.stderr  # no bars without a terminal


def test_eval_as_text_and_as_json(tiny, finished_run, command):
    text = command("eval", finished_run, "--split", "validation")
    assert text.returncode == 0 and "accuracy" in text.stdout
    assert all(len(line) <= 80 for line in text.stdout.splitlines()[2:])
    result = command("eval", finished_run, "--split", "validation", "--json")
    judged = json.loads(result.stdout)["evaluation"]
    assert judged == read_run(finished_run).facts["result"]["validation"]
    whole = command("eval", finished_run, "--data", tiny / "reviews.jsonl", "--json")
    assert json.loads(whole.stdout)["evaluation"]["reviews"] == 240


def test_eval_names_the_existing_splits(finished_run, command):
    asked = ("eval", finished_run, "--split", "test")
    assert_one_error(command(*asked), 3, "no split named test", "train, validation")


def test_predict_and_eval_give_the_same_probability(tiny, finished_run, command):
    reviews = [json.loads(line) for line in (tiny / "reviews.jsonl").read_text().splitlines()]
    lines = "\n".join(review["text"] for review in reviews) + "\n"
    result = command("predict", "--run", finished_run, "--file", "-", "--json", input=lines)
    predicted = [json.loads(line)["probability"] for line in result.stdout.splitlines()]
    towards = [p if review["label"] else 1 - p for p, review in zip(predicted, reviews, strict=True)]
    loss = -sum(math.log(p) for p in towards) / len(towards)
    evaluated = json.loads(command("eval", finished_run, "--data", tiny / "reviews.jsonl", "--json").stdout)
    assert evaluated["evaluation"]["loss"] == pytest.approx(loss, abs=1e-6)
    assert evaluated["evaluation"]["accuracy"] == sum(p > 0.5 for p in towards) / len(towards)


def test_predict_keeps_order_and_agrees_with_python(finished_run, command, tmp_path):
    texts = ["a great film", "an awful plot but then it was " * 30, "superb", "dull zyzzyva"]
    (tmp_path / "reviews.txt").write_text("\n".join(texts))
    from_file = command("predict", "--run", finished_run, "--file", tmp_path / "reviews.txt", "--json")
    from_arguments = command("predict", "--run", finished_run, "--json", *texts)
    found = [json.loads(line) for line in from_file.stdout.splitlines()]
    assert found == [json.loads(line) for line in from_arguments.stdout.splitlines()]
    model = sentiment.load(finished_run, device="cpu", threads=1)
    for text, record in zip(texts, found, strict=True):
        alone = model.predict([text])[0]
        assert record["probability"] == pytest.approx(alone.probability, abs=1e-5)
        assert record["tokens"] == alone.tokens and record["label"] == alone.label
    assert [record["label"] for record in found] == ["positive", "negative", "positive", "negative"]
    assert found[3]["unknown"] == 0.5 and not found[3]["cut"]


def test_predict_names_the_line_of_an_empty_review(finished_run, command):
    asked = ("predict", "--run", finished_run, "--file", "-")
    result = command(*asked, "--strict", input="good\n\nbad\n")
    assert result.stdout.count("\n") == 1  # the review before it has its answer
    assert_one_error(result._replace(stdout=""), 3, "stdin, line 2: the text is empty", "leave out --strict")
    assert_one_error(
        command("predict", "--run", finished_run, " <br /> "), 3, "review 1: the text is empty; give it some"
    )


def test_a_run_is_no_review(finished_run, command):
    for run in (finished_run, "shipped"):
        assert_one_error(command("predict", run), 2, f"{run} is a run, not a review; name it with --run")


def test_predict_takes_one_source_of_reviews(finished_run, command):
    assert_one_error(command("predict", "--run", finished_run), 2, "--file")
    assert_one_error(command("predict", "--run", finished_run, "a", "--file", "-", input="b"), 2, "--file")


def test_predict_explains_in_the_terminal_as_json_and_as_a_page(finished_run, command, tmp_path):
    page = tmp_path / "why.html"
    asked = ("predict", "--run", finished_run, "--explain", "--html", page, "a great film & plot", "dull")
    result = command(*asked)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("positive\t") and "great(+" in lines[1] and max(map(len, lines)) <= 80
    assert "&amp;" in page.read_text() and "& " not in page.read_text()
    assert_one_error(command(*asked), 2, "why.html exists", "--force")
    assert command(*asked, "--force").returncode == 0
    record = json.loads(command("predict", "--run", finished_run, "--explain", "--json", "great").stdout)
    assert record["prediction"]["label"] == "positive"
    assert record["tokens"][0]["contribution"] == pytest.approx(
        record["logit"] - record["base"] - record["rest"], abs=1e-5
    )


def test_an_explanation_is_refused_if_no_file_can_be_written(finished_run, command, tmp_path):
    missing = command("predict", "--run", finished_run, "--html", tmp_path / "no" / "why.html", "great")
    assert_one_error(missing, 2, "its folder does not exist")
    assert_one_error(command("predict", "--run", finished_run, "--html", tmp_path, "great"), 2, "a folder")


def test_predict_uses_the_newest_finished_run(finished_run, command):
    result = command("predict", "great", cwd=finished_run.parent.parent)
    assert result.returncode == 0 and "using runs/whole" in result.stderr


def test_shipped_is_the_shipped_model_even_with_other_runs(finished_run, command):
    result = command("predict", "--run", "shipped", "--json", "great", cwd=finished_run.parent.parent)
    expected = sentiment.load(threads=1).predict(["great"])[0].probability
    assert json.loads(result.stdout)["probability"] == pytest.approx(expected, abs=1e-5)
    assert result.stderr == ""


def test_an_explanation_of_json_lines_names_the_right_label_and_the_marks(finished_run, command, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a dull film", "label": "positive"}\n')
    result = command(
        "predict", "--run", finished_run, "--file", tmp_path / "a.jsonl", "--html", tmp_path / "a.html"
    )
    lines = result.stdout.splitlines()
    assert lines == [lines[0]] and lines[0].endswith(", labelled positive")
    assert result.stderr == f"wrote {tmp_path / 'a.html'}\n"
    asked = ("predict", "--run", finished_run, "--file", tmp_path / "a.jsonl", "--explain")
    assert "(+) speaks for positive" in command(*asked).stdout
    for options in ([], ["--html", tmp_path / "b.html"]):
        prediction = json.loads(command(*asked[:-1], "--json", *options).stdout)
        assert (prediction["label"], prediction["right_label"]) == ("negative", "positive")
        assert command(*asked[:-1], *options, "--force").stdout.endswith(", labelled positive\n")
    explained = json.loads(command(*asked, "--json").stdout)
    assert explained["right_label"] == "positive" and explained["prediction"]["label"] == "negative"
    assert "labelled positive</h2>" in (tmp_path / "a.html").read_text()


@pytest.mark.slow
def test_predict_into_a_closed_pipe_has_no_traceback(tmp_path, finished_run, environment):
    (tmp_path / "many.txt").write_text("a great film\n" * 20_000)
    shell = f"{sys.executable} -m sentiment predict --run {finished_run} --file many.txt | head -1"
    result = subprocess.run(shell, shell=True, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.startswith("positive") and result.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="skipped: no /dev/full here")
def test_predict_to_a_full_disk_ends_with_4(finished_run, environment):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "sentiment", "predict", "--run", str(finished_run), "great"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 4 and result.stderr.startswith("error: ") and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (">&-", 4, "error: cannot write the output: stdout is closed\n"),
        pytest.param(
            "--file - <&-", 3, "error: stdin is closed; name a file instead of -\n", marks=pytest.mark.slow
        ),
        pytest.param("--file nothing.txt 2>/dev/full", 3, "", marks=pytest.mark.slow),
        pytest.param("'' 2>&-", 3, "", marks=pytest.mark.slow),
    ],
)
def test_a_closed_or_full_stream_ends_with_an_exit_code(finished_run, environment, arguments, code, says):
    text = "" if "--file" in arguments or "''" in arguments else "great"
    shell = f"{sys.executable} -m sentiment predict --run {finished_run} {text} {arguments}"
    result = subprocess.run(
        shell, shell=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr, result.stdout) == (code, says, "")


def test_nothing_is_overwritten_without_force(tiny, tmp_path, command):
    path = tmp_path / "run"
    path.mkdir()
    (path / "thesis.txt").write_text("mine")
    assert_one_error(command("train", tiny / "tiny.toml", "--run", path), 2, "exists", "--force")
    assert_one_error(command("train", tiny / "tiny.toml", "--run", path, "--force"), 2, "no run folder")
    assert (path / "thesis.txt").read_text() == "mine"


def test_a_training_that_fails_on_its_data_leaves_and_replaces_nothing(tiny, tmp_path, command, finished_run):
    asked = ("train", tiny / "tiny.toml", "--data", "nowhere", "--run")
    assert_one_error(command(*asked, tmp_path / "new"), 3, "nowhere")
    assert_one_error(command(*asked, tmp_path / "deep" / "new"), 3, "nowhere")
    (tmp_path / "own").mkdir()
    assert_one_error(command(*asked, tmp_path / "own"), 3, "nowhere")
    assert [*tmp_path.rglob("*")] == [tmp_path / "own"]
    old = shutil.copytree(finished_run, tmp_path / "old")
    assert_one_error(command(*asked, old, "--force"), 3, "nowhere")
    vectors = ("--set", "vocabulary.vectors=nowhere.txt")
    assert_one_error(
        command("train", tiny / "tiny.toml", "--run", old, "--force", *vectors), 3, "nowhere.txt"
    )
    assert read_run(old).facts == read_run(finished_run).facts


def test_force_replaces_a_run(tiny, tmp_path, command, finished_run):
    path = tmp_path / "run"
    shutil.copytree(finished_run, path)
    (path / "left-over.txt").write_text("")
    assert_one_error(command("train", tiny / "tiny.toml", "--run", path), 2, "exists")
    result = command("train", tiny / "tiny.toml", "--run", path, "--force")
    assert result.returncode == 0, result.stderr
    assert not (path / "left-over.txt").exists()
    assert (path / "model.safetensors").read_bytes() == (finished_run / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (["--set", "training.epoch=3"], 2, ["training.epoch is unknown", "training.epochs"]),
        (
            ["--set", "model.hidden=-1", "--set", "batch.tokens=5"],
            2,
            ["model.hidden", "greater than or equal", "batch is unknown", "batches"],
        ),
        (["--set", "training.epochs='three'"], 2, ["training.epochs", "integer"]),
        (["--set", "model.merge=sum", "--set", "model.bidirectional=false"], 2, ["merge"]),
        (
            ["--set", "pretraining.epochs=1", "--set", "model.layers=2"],
            2,
            ["pretraining.epochs", "model.encoder=stacked", "model.layers=1"],
        ),
        (
            ["--set", "evidence.weight=0.5", "--set", "model.encoder=attention_fusion"],
            2,
            ["evidence.weight", "model.encoder=attention_fusion"],
        ),
        (["--device", "cuda:7"], 4, ["cuda:7", "--device"]),
        (["--device", "abacus"], 2, ["machine.device"]),
        (["--set", "machine.precision=bfloat16"], 4, ["bfloat16"]),
        (["--data", "nowhere/at/all"], 3, ["nowhere/at/all"]),
        (["--resume", "--force"], 2, ["--resume"]),
        (["--resume"], 3, ["no run at"]),
        (["--resume", "--run", "{here}"], 3, ["is empty; start the training again"]),
        (["--no-such-option"], 2, ["--no-such-option"]),
    ],
)
def test_bad_requests_end_with_one_line(tiny, tmp_path, command, change, code, words):
    path = tmp_path / "run"
    change = [argument.format(here=tmp_path) for argument in change]
    assert_one_error(command("train", tiny / "tiny.toml", "--run", path, *change), code, *words)


def test_a_command_alone_shows_the_help(command):
    alone, asked = command(), command("--help")
    assert alone.returncode == 0 and alone.stdout == asked.stdout and "predict" in alone.stdout


def test_inspect_of_a_missing_run_and_of_a_missing_configuration(command):
    assert_one_error(command("inspect", "runs/nope"), 3, "no run at runs/nope")
    assert_one_error(command("inspect", "nope.toml"), 2, "no configuration at nope.toml")
    config = Path(__file__).parents[2] / "configs" / "imdb-fast.toml"
    assert command("inspect", "imdb-fast") == command("inspect", config)


def test_a_signal_while_the_program_is_loaded_ends_it_without_a_message(environment, tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    arguments = [sys.executable, "-m", "sentiment", "predict", "hello"]  # -m looks here first
    result = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


def test_missing_configuration(command):
    assert_one_error(command("train", "nothing.toml"), 2, "nothing.toml")


def test_an_unwritable_place_is_refused_before_the_data_is_read(tmp_path, tiny, command):
    (tmp_path / "file").write_text("")
    result = command("train", tiny / "tiny.toml", "--run", tmp_path / "file" / "run", "--data", "nowhere")
    assert_one_error(result, 4, str(tmp_path / "file"))


def broken(finished_run, tmp_path, damage):
    """Return a damaged copy of a run."""
    path = tmp_path / "run"
    shutil.copytree(finished_run, path)
    damage(path)
    return path


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: flip(run / "model.safetensors"), ["model.safetensors", "damaged"]),
        (lambda run: flip(run / "vocabulary.txt"), ["vocabulary.txt", "damaged"]),
        (lambda run: flip(run / "config.toml"), ["config.toml", "damaged"]),
        (lambda run: (run / "golden.json").unlink(), ["golden.json", "missing"]),
        (lambda run: (run / "manifest.json").unlink(), ["not finished", "--resume"]),
        (lambda run: (run / "manifest.json").write_text("[" * 100_000), ["manifest.json", "damaged"]),
        (lambda run: (run / "config.toml").unlink(), ["no run folder"]),
        (lambda run: shutil.rmtree(run), ["no run at"]),
    ],
)
def test_a_damaged_run_is_refused(finished_run, tmp_path, command, damage, words):
    assert_one_error(command("predict", "--run", broken(finished_run, tmp_path, damage), "x"), 3, *words)


def test_a_pickle_is_refused_and_not_opened(tmp_path, command):
    canary = tmp_path / "canary"
    (tmp_path / "model.pt").write_bytes(b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR.")
    assert_one_error(command("predict", "--run", tmp_path / "model.pt", "x"), 3, "is a file", "pickled")
    assert not canary.exists()


def test_prepare_prints_what_it_found(tiny, command):
    result = command("prepare", tiny / "tiny.toml")
    assert result.returncode == 0, result.stderr
    for words in (
        "validation by group, 0 groups shared",
        "median tokens",
        "copies across train & validation",
    ):
        assert words in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    found = json.loads(command("prepare", tiny / "tiny.toml", "--json").stdout)
    assert [split["split"] for split in found["splits"]] == ["train", "validation"]
    assert sum(split["reviews"] for split in found["splits"]) == 240


def test_help_and_version(command):
    for arguments in (["--help"], ["train", "--help"], ["eval", "--help"], ["predict", "--help"]):
        result = command(*arguments)
        assert result.returncode == 0 and "Usage" in result.stdout
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert command("--version").stdout.strip() == "0.1.0"


def test_help_imports_nothing_heavy(environment):
    code = (
        "import sys, sentiment.cli; sentiment.cli.run(['--help']); "
        "print(sorted({'torch', 'spacy', 'datasets', 'sklearn', 'torchtext'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_inspect_shows_a_configuration_or_a_run(tiny, finished_run, command):
    for target in (tiny / "tiny.toml", finished_run):
        result = command("inspect", target, "--text", "a great film")
        assert result.returncode == 0, result.stderr
        assert "B=1 T=3 D=2 H=8" in result.stdout and "encoder.layers.0" in result.stdout
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
    found = json.loads(command("inspect", finished_run, "--text", "a great film", "--json").stdout)
    probability = (
        sentiment.load(finished_run, device="cpu", threads=1).predict(["a great film"])[0].probability
    )
    assert 1 / (1 + math.exp(-found["logits"][0])) == pytest.approx(probability, abs=1e-6)
    assert [state["direction"] for state in found["states"]] == ["forward", "backward"]
    assert_one_error(command("inspect", finished_run, "--set", "model.hidden=3"), 2, "--set")
