"""Two tiny runs on hostile reviews: markup, a word without end, a text without end."""

import json
from pathlib import Path

import pytest

from sentiment.config import parse_config
from sentiment.report.facts import compare, gather
from sentiment.training.run import train_run

CONFIG = """
seed = 3
[vocabulary]
min_frequency = 1
[batches]
tokens = 400
[text]
head = 0
tail = 0
[model]
embedding = 8
hidden = 4
layers = 1
readout = "{readout}"
[pretraining]
epochs = {pretraining}
[training]
epochs = 2
members = 2
[machine]
device = "cpu"
threads = 1
"""
HOSTILE = [
    "<script>alert('never')</script> this film was dull",
    "</style></body> & this film was <b>bright</b>",
    "x" * 200_000 + " was dull",
    "lovely <i>dull</i> and awful bright film . " * 700,
]


def rows(count):
    """Labelled rows, four a film; the last words decide."""
    words = ["dull and awful", "bright and lovely"]
    return [
        {"text": f"Take {n} of this film was {words[n % 2]}.", "label": n % 2, "film": f"f{n // 4}"}
        for n in range(count)
    ]


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """data/ with train and test, and the runs <b>&one and two."""
    folder = tmp_path_factory.mktemp("report")
    data = folder / "data"
    data.mkdir()
    hostile = [{"text": text, "label": n % 2, "film": f"g{n}"} for n, text in enumerate(HOSTILE)]
    for name, own in {"train": rows(60), "test": rows(24) + hostile}.items():
        (data / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name, readout, pretraining in (("<b>&one", "max", 1), ("two", "attention", 0)):
            text = CONFIG.format(readout=readout, pretraining=pretraining)
            config = parse_config(f"{text}\n[data]\nsource = {json.dumps(str(data))}\n", "test")
            train_run(config, folder / name)
    return folder


@pytest.fixture(scope="package")
def paths(folder) -> list[Path]:
    return [folder / "<b>&one", folder / "two"]


@pytest.fixture(scope="package")
def facts(paths):
    """What the page of one run says."""
    return gather(paths[0], device="cpu", threads=1)


@pytest.fixture(scope="package")
def compared(paths):
    """What the page of both runs says."""
    return compare(paths, device="cpu", threads=1)
