"""Two tiny runs on hostile reviews: markup, a very long word, a very long text."""

from pathlib import Path

import pytest

from sentiment.config import override, parse_config
from sentiment.report.facts import JudgeOptions, compare_runs, gather_facts
from sentiment.report.page import comparison_page, run_page
from sentiment.training.run import train_run
from tests.helpers import TINY_CONFIG, reviews

CHANGES = [
    "batches.tokens=400",
    "text.head=0",
    "text.tail=0",
    "text.tags=false",  # markup has to reach the page, which must not take it for its own
    "training.epochs=2",
    "training.members=2",
]
HOSTILE = [
    "<script>alert('never')</script> this film was dull",
    "</style></body> & this film was <b>bright</b>",
    "x" * 200_000 + " was dull",
    "lovely <i>dull</i> and awful bright film . " * 700,
]


WORDS = ["dull and awful.", "bright and lovely."]
ON_CPU = JudgeOptions(device="cpu", threads=1)


@pytest.fixture(scope="package")
def folder(tmp_path_factory, write_rows):
    """Return a folder with data/ (train and test) and the runs `<b>&one` and `two`."""
    folder = tmp_path_factory.mktemp("report")
    data = folder / "data"
    hostile = [{"text": text, "label": n % 2, "film": f"g{n}"} for n, text in enumerate(HOSTILE)]
    write_rows(data / "train.jsonl", reviews(60, WORDS))
    write_rows(data / "test.jsonl", reviews(24, WORDS) + hostile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name, readout, pretraining in (("<b>&one", "max", 1), ("two", "attention", 0)):
            changes = [*CHANGES, f"model.readout={readout}", f"pretraining.epochs={pretraining}"]
            changes.append(override("data.source", str(data)))
            config = parse_config(TINY_CONFIG, "test", changes)
            train_run(config, folder / name)
    return folder


@pytest.fixture(scope="package")
def paths(folder) -> list[Path]:
    return [folder / "<b>&one", folder / "two"]


@pytest.fixture
def few_reviews(monkeypatch):
    """Show a single mistake and a single doubtful review: explaining takes most of the time."""
    monkeypatch.setattr("sentiment.report.facts.SHOWN_REVIEWS", 1)


@pytest.fixture(scope="package")
def facts(paths):
    """The facts of the page of one run."""
    return gather_facts(paths[0], ON_CPU)


@pytest.fixture(scope="package")
def compared(paths):
    """The facts of the page of both runs."""
    return compare_runs(paths, ON_CPU)


@pytest.fixture(scope="package")
def written_run(facts) -> str:
    """The page of one run."""
    return run_page(facts)


@pytest.fixture(scope="package")
def written_comparison(compared) -> str:
    """The page of both runs."""
    return comparison_page(compared)
