"""A data set and a recipe so small that training takes a second, and a finished run."""

import json
import os
from pathlib import Path

import pytest

from scripts.torture.bench import RECIPE, write_reviews
from sentiment.config import read_config
from sentiment.training.run import train_run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with reviews.jsonl and tiny.toml."""
    folder = tmp_path_factory.mktemp("tiny")
    write_reviews(folder / "reviews.jsonl", 240)
    source = json.dumps(str(folder / "reviews.jsonl"))
    (folder / "tiny.toml").write_text(RECIPE + f"[data]\nsource = {source}\n")
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The environment of a command: empty caches, no network."""
    caches = tmp_path_factory.mktemp("caches")
    return os.environ | {
        "XDG_CACHE_HOME": str(caches / "xdg"),
        "HF_HOME": str(caches / "hf"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


@pytest.fixture(scope="session")
def finished_run(tiny, environment):
    """The folder of a run that was trained without a stop."""
    path = tiny / "runs" / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", environment["XDG_CACHE_HOME"])
        train_run(read_config(tiny / "tiny.toml"), path)
    return path
