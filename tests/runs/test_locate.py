"""The run that a name means, for commands and for `sentiment.load`."""

import os
from pathlib import Path

import pytest

import sentiment
from sentiment.errors import RunError, UsageError
from sentiment.runs import SHIPPED, find_run, run_path
from sentiment.runs.locate import looks_like_run
from tests.helpers import assert_one_error


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make_run(path, finished=True):
    """Make a folder that looks like a run."""
    path.mkdir(parents=True)
    (path / "config.toml").touch()
    if finished:
        (path / "manifest.json").touch()
    return path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("quick", "runs/quick"),
        ("imdb-fast-1", "runs/imdb-fast-1"),
        ("./quick", "quick"),
        ("a/b", "a/b"),
        ("/tmp/quick", "/tmp/quick"),
        ("quick/", "quick"),
        (".", "."),
        (Path("quick"), "quick"),
    ],
)
def test_a_bare_word_is_a_name_and_anything_with_a_slash_a_path(name, path):
    assert run_path(name) == find_run(name) == Path(path)


def test_shipped_and_newest_are_names_even_next_to_folders_of_that_name(tmp_path):
    for name in ("shipped", "newest"):
        make_run(tmp_path / name)
        make_run(tmp_path / "runs" / f"other-{name}")
    os.utime(tmp_path / "runs" / "other-newest" / "manifest.json", (1, 1))
    assert find_run("shipped") == SHIPPED
    assert find_run("newest") == Path("runs/other-shipped")
    assert find_run("./shipped") == Path("shipped")
    for name in ("shipped", "newest"):
        with pytest.raises(UsageError, match=f"{name} is a reserved name; .* such as ./{name}"):
            run_path(name)


def test_the_newest_run_is_a_finished_one(tmp_path):
    make_run(tmp_path / "runs" / "stopped", finished=False)
    with pytest.raises(RunError, match="no finished run under runs/; train one with: sentiment train"):
        find_run("newest")


def test_an_error_names_the_folder_that_is_not_under_runs(tmp_path):
    make_run(tmp_path / "mine")
    with pytest.raises(RunError, match=r"no run at runs/mine; for the folder mine type ./mine"):
        find_run("mine")
    make_run(tmp_path / "runs" / "mine")
    assert find_run("mine") == Path("runs/mine")


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused_everywhere(name, command):
    with pytest.raises(UsageError, match="the name of a run is empty"):
        sentiment.load(name)
    assert_one_error(command("predict", "good", "--run", name), 2, "the name of a run is empty")
    assert_one_error(command("eval", name), 2, "the name of a run is empty")
    assert_one_error(command("train", "--run", name), 2, "the name of a run is empty")


def test_load_opens_the_shipped_model_by_default():
    assert sentiment.load(device="cpu").facts == sentiment.load("shipped", device="cpu").facts
    with pytest.raises(RunError, match="no finished run"):
        sentiment.load("newest")
    with pytest.raises(RunError, match=r"no run at runs/quick; train one with: .* --run runs/quick"):
        sentiment.load("quick")


@pytest.mark.parametrize(
    ("text", "is_run"), [("quick", True), ("runs/quick", True), ("good", False), ("", False)]
)
def test_a_text_that_names_a_run_is_recognised(text, is_run, tmp_path):
    make_run(tmp_path / "runs" / "quick")
    assert looks_like_run(text) == is_run
    assert looks_like_run("shipped") and not looks_like_run("x" * 10_000) and not looks_like_run("a\0b")
