"""A small finished run, and a hub on this machine that the hub's client talks to."""

import json
import shutil

import huggingface_hub
import pytest
from huggingface_hub import constants

from sentiment.config import parse_config
from sentiment.sharing import pack_run
from sentiment.training.run import train_run
from tests.helpers import TINY_CONFIG, reviews
from tests.local_hub import TOKEN, LocalHub


@pytest.fixture(scope="package")
def trained(tmp_path_factory):
    """The folder of a run that is trained once."""
    folder = tmp_path_factory.mktemp("shared")
    source = folder / "reviews.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in reviews(48, ["dreadful", "wonderful"])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        config = parse_config(f"{TINY_CONFIG}\n[data]\nsource = {json.dumps(str(source))}\n", "test")
        train_run(config, folder / "runs" / "mine")
    return folder / "runs" / "mine"


@pytest.fixture(scope="package")
def parcel(trained):
    """What is sent of the run."""
    return pack_run(trained, "ada/films")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, with a report."""
    copy = shutil.copytree(trained, tmp_path / "runs" / "mine")
    (copy / "report.html").write_text("<p>take 3 of this film</p>")
    return copy


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub in place of the real one; the client reads its variables on import only."""
    server = LocalHub()
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name, value in {
        "ENDPOINT": server.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": server.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": True,
    }.items():
        monkeypatch.setattr(constants, name, value)
    yield server
    server.stop()
    huggingface_hub.close_session()
