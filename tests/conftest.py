"""Fixtures of all tests: empty caches, no network, and a small set of labelled reviews."""

import gc
import io
import json
import socket
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from sentiment.cli import run as run_command
from sentiment.config import parse_config
from sentiment.system.threads import available_cores

FILMS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]


@pytest.fixture(scope="session", autouse=True)
def hub_settings(tmp_path_factory):
    """Switch the hub off and use another cache. `datasets` reads these variables once, on import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("huggingface")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module", autouse=True)
def settled_objects():
    """Exclude imported modules from garbage collection. Each loading of reviews collects garbage, and this
    took a third of the time of all tests.
    """
    gc.freeze()


@pytest.fixture(autouse=True)
def caches(tmp_path_factory, monkeypatch):
    """Return the folder of the token cache, which is empty at the start of each test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def arithmetic():
    """Use one thread, which is enough for small tensors, and keep denormal numbers after each test.
    Training in this process flushes them to zero.
    """
    torch.set_num_threads(1)
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Allow connections to this machine only."""
    connect = socket.socket.connect

    def connect_here(self, address):
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), f"network use: {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


class Result(NamedTuple):
    """The exit code and the output of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs `sentiment ...` in this process, which saves two seconds of imports.
    Tests of streams and signals start a new process.
    """
    monkeypatch.setattr("sentiment.system.interrupts.SIGNALS", ())  # pytest keeps its own Ctrl-C
    # What the command sets goes again with this test.
    monkeypatch.setenv("OMP_NUM_THREADS", f"{available_cores()}")

    def run(*arguments, cwd=".", input="", stdin=None):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr("sys.stdin", stdin or io.TextIOWrapper(io.BytesIO(input.encode())))
            capsys.readouterr()
            return Result(run_command([*map(str, arguments)]), *capsys.readouterr())

    return run


@pytest.fixture
def rows():
    """Return 48 different reviews of 8 films; each film has three of each class."""
    words = ["was dull and awful", "was bright and lovely"]
    return [
        {"text": f"Take {take} of {film} {words[label]}.", "label": label, "film": film}
        for film in FILMS
        for take in range(3)
        for label in (0, 1)
    ]


@pytest.fixture(scope="session")
def write_rows():
    """Return a function that writes rows to a jsonl file and returns its path."""

    def write(path: Path, rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def config_for():
    """Return a function that makes a configuration for `source`, with more keys as TOML lines."""

    def configure(source, *lines):
        return parse_config(
            "\n".join([f"data.source = {json.dumps(str(source))}", "vocabulary.min_frequency = 1", *lines]),
            "test",
        )

    return configure
