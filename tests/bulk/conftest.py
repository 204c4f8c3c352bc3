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
def make_folder(tmp_path):
    """Return a function that makes a folder of six csv files with so many rows, all different.

    The last row of each has an empty review.
    """

    def make(rows):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        for number in range(6):
            lines = [
                f"{row},Take {row} of film {number} is {'lovely' if row % 2 else 'awful'}."
                for row in range(rows)
            ]
            (folder / f"part-{number}.csv").write_text("\n".join(["id,review", *lines, f"{rows},"]) + "\n")
        return folder

    return make


@pytest.fixture
def folder(make_folder):
    return make_folder(30)


@pytest.fixture
def predict_alone(shipped, tmp_path):
    """Return a function of a folder: name -> what `predict --file --out` writes for each file, as bytes."""

    def predict(folder):
        alone = tmp_path / "alone"
        alone.mkdir()
        for path in folder.iterdir():
            predict_table(shipped, path, DataSettings(), alone / path.name)
        return {path.name: path.read_bytes() for path in alone.iterdir()}

    return predict


@pytest.fixture
def expected(predict_alone, folder):
    return predict_alone(folder)
