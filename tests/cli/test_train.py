"""`sentiment train` around a training: the names of runs, the page about a run, --debug."""

import pytest

import sentiment
from sentiment.errors import Interrupted, MachineError
from sentiment.runs import read_run
from tests.helpers import assert_one_error


@pytest.fixture
def recipe(folder, tmp_path):
    """A recipe that asks for a page about the run."""
    text = (folder / "tiny.toml").read_text()
    path = tmp_path / "paged.toml"
    path.write_text(f"{text}\n[logging]\nreport = true\n")
    return path


def test_a_bare_name_is_a_run_under_runs(folder, command, tmp_path):
    for expected in ("tiny-1", "tiny-2"):
        assert command("train", folder / "tiny.toml", cwd=tmp_path).returncode == 0
        assert read_run(tmp_path / "runs" / expected).config.seed == 3
    assert command("train", folder / "tiny.toml", "--run", "mine", cwd=tmp_path).returncode == 0
    assert read_run(tmp_path / "runs" / "mine")
    result = command("predict", "--run", "mine", "fine", cwd=tmp_path)
    assert result.returncode == 0 and "using" not in result.stderr


@pytest.mark.parametrize("name", ["shipped", "newest"])
def test_a_reserved_name_is_no_run(folder, command, name):
    assert_one_error(command("train", folder / "tiny.toml", "--run", name), 2, f"such as ./{name}")


def test_the_command_writes_a_page_about_the_run_if_the_recipe_asks_for_one(recipe, command, tmp_path):
    result = command("train", recipe, "--run", tmp_path / "run")
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "validation" in page
    assert str(tmp_path / "run" / "report.html") in result.stdout
    assert sentiment.load(tmp_path / "run").predict(["fine"])


def test_a_page_that_fails_leaves_the_run_finished(recipe, command, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MachineError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("sentiment.report.write_report", fail)
        result = command("train", recipe, "--run", tmp_path / "run")
    assert result.returncode == 0 and "warning: no page about the run: no room" in result.stderr
    assert f"sentiment report {tmp_path / 'run'} --split validation" in result.stdout
    assert read_run(tmp_path / "run")
    assert command("train", "--resume", "--run", tmp_path / "run").returncode == 0
    assert (tmp_path / "run" / "report.html").exists()


def test_a_stop_while_the_page_is_written_says_that_the_run_is_finished(
    recipe, command, tmp_path, monkeypatch
):
    def stop(*_, **__):
        raise Interrupted(2)

    monkeypatch.setattr("sentiment.report.write_report", stop)
    result = command("train", recipe, "--run", tmp_path / "run")
    assert result.returncode == 130
    assert f"stopped; {tmp_path / 'run'} is finished, but has no page" in result.stderr
    assert read_run(tmp_path / "run")


def test_the_page_about_a_run_finds_data_that_have_moved(folder, command, tmp_path):
    first, moved = tmp_path / "first.jsonl", tmp_path / "now here.jsonl"
    first.write_bytes((folder / "reviews.jsonl").read_bytes())
    run = tmp_path / "run"
    result = command("train", folder / "tiny.toml", "--data", first, "--run", run)
    assert f"sentiment report {run} --split validation\n" in result.stdout
    first.rename(moved)
    result = command("train", "--resume", "--run", run, "--data", moved)
    assert f"sentiment report {run} --split validation --data '{moved}'\n" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--debug", "eval", "./nowhere"],
        ["eval", "--debug", "./nowhere"],
        ["eval", "./nowhere", "--debug"],
        ["predict", "fine", "--run", "./nowhere", "--debug"],
    ],
)
def test_debug_shows_the_traceback_from_any_place_of_the_line(command, arguments):
    result = command(*arguments)
    assert result.returncode == 3 and "Traceback" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("error: no run at nowhere")
    silent = command(*[argument for argument in arguments if argument != "--debug"])
    assert silent.returncode == 3 and "Traceback" not in silent.stderr


def test_every_command_offers_debug_in_its_help(command):
    for name in ("prepare", "train", "eval", "baseline", "report", "predict", "probe", "inspect"):
        assert "--debug" in command(name, "--help").stdout


def test_version_is_that_of_the_package(command):
    assert command("--version").stdout.strip() == sentiment.__version__


def test_every_public_name_can_be_imported():
    for name in sentiment.__all__:
        assert getattr(sentiment, name) is not None
    assert set(dir(sentiment)) == set(sentiment.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sentiment.nothing  # noqa: B018


def test_without_a_recipe_the_size_of_the_data_chooses_one(folder, command, tmp_path):
    """And train, prepare and baseline say so alike."""
    said = "using the recipe small: 60 training rows (fewer than 5,000)\n"
    settings = ["--set", "training.epochs=1", "--set", "logging.report=false", "--threads", "1"]
    data = ["--data", folder / "reviews.jsonl"]
    result = command("train", *data, *settings, cwd=tmp_path)
    assert result.returncode == 0 and said in result.stderr
    run = read_run(tmp_path / "runs" / "small-1")
    assert run.config.evidence.weight > 0
    for other in (["prepare"], ["baseline", "--split", "validation"]):
        result = command(*other, *data, cwd=tmp_path)
        assert result.returncode == 0 and said in result.stderr
    result = command("train", "--resume", "--run", "small-1", *data, cwd=tmp_path)
    assert result.returncode == 0 and "using the recipe" not in result.stderr


def test_the_classes_are_said_before_the_training_and_its_flaws_after_it(folder, command, tmp_path):
    """A run of one epoch over 56 reviews has learned nothing; the linear model tells all of them apart."""
    result = command("train", folder / "tiny.toml", "--run", tmp_path / "run")
    assert "training: 56 reviews, 28 negative and 28 positive (majority 50.0%)\n" in result.stderr
    assert "validation: 4 reviews, 2 negative and 2 positive (majority 50.0%)\n" in result.stderr
    facts = read_run(tmp_path / "run").facts
    assert facts["data"]["class_counts"]["train"] == {"negative": 28, "positive": 28}
    checks = facts["result"]["checks"]
    assert checks["steps"] < 100 and checks["majority_share"] == 0.5 and checks["baseline_accuracy"] == 1
    assert any("training steps, too few" in warning for warning in checks["warnings"])
    assert any("n-gram baseline is more accurate" in warning for warning in checks["warnings"])
    for warning in checks["warnings"]:
        assert f"warning: {warning}\n" in result.stderr
