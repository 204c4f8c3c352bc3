"""A run of one epoch for the tests of commands."""

import json

import pytest

from sentiment.config import read_config
from sentiment.training.run import train_run
from tests.helpers import TINY_CONFIG, reviews


@pytest.fixture(scope="package")
def folder(tmp_path_factory, write_rows):
    """A folder with reviews.jsonl, other.jsonl, a configuration and a run of one epoch."""
    folder = tmp_path_factory.mktemp("commands")
    source = write_rows(folder / "reviews.jsonl", reviews(60, ["dull and awful", "bright and lovely"]))
    write_rows(folder / "other.jsonl", reviews(10, ["dull and lovely", "awful and bright"]))
    (folder / "tiny.toml").write_text(TINY_CONFIG + f"[data]\nsource = {json.dumps(str(source))}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        train_run(read_config(folder / "tiny.toml"), folder / "run")
    return folder
