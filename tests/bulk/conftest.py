"""A folder of files to predict, and what one process writes for each."""

import pytest

import sentiment
from sentiment.bulk.progress import Counts
from sentiment.bulk.worker import Job, fingerprint_run
from sentiment.config import DataSettings
from sentiment.inference.tables import predict_table
from sentiment.runs import SHIPPED
from sentiment.runs.decision import Decision


@pytest.fixture(scope="session")
def shipped():
    return sentiment.load("shipped", device="cpu", threads=1)


@pytest.fixture
def job():
    return Job(SHIPPED, fingerprint_run(SHIPPED), Decision())


@pytest.fixture
def counts():
    return Counts(3, {"positive": 2}, ["row 2: empty"])


@pytest.fixture
def folder(tmp_path):
    """Return a folder of six csv files whose rows differ, with an empty review in each."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        lines = [
            f"{row},Take {row} of film {number} is {'lovely' if row % 2 else 'awful'}." for row in range(30)
        ]
        (folder / f"part-{number}.csv").write_text("\n".join(["id,review", *lines, "30,"]) + "\n")
    return folder


@pytest.fixture
def expected(shipped, folder, tmp_path):
    """Return name -> what `predict --file --out` writes for the file, as bytes."""
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in folder.iterdir():
        predict_table(shipped, path, DataSettings(), alone / path.name)
    return {path.name: path.read_bytes() for path in alone.iterdir()}
