"""A run of one epoch, the example of `examples/` as a module, and a way to run a file with onnxruntime."""

import importlib.util
from pathlib import Path

import pytest

from sentiment.config import override, parse_config
from sentiment.training.run import train_run
from tests.helpers import TINY_CONFIG, reviews

EXAMPLES = Path(__file__).parents[2] / "examples"
needs_export = "needs the extra export"


@pytest.fixture(scope="session", autouse=True)
def extra():
    """Skip every test of this folder if the extra is not installed."""
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason=needs_export)


@pytest.fixture(scope="package")
def run(tmp_path_factory, write_rows):
    """Return the folder of a run with n-gram evidence and two members."""
    folder = tmp_path_factory.mktemp("exporting")
    source = write_rows(folder / "reviews.jsonl", reviews(60, ["dull and awful", "bright and lovely"]))
    changes = [
        override("data.source", str(source)),
        "training.members=2",
        "evidence.weight=0.5",
        "evidence.size=20",
        "text.head=3",
        "text.tail=4",
        "vocabulary.misspelt=true",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        train_run(parse_config(TINY_CONFIG, "test", changes), folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def example():
    """Return the module examples/predict_onnx.py."""
    specification = importlib.util.spec_from_file_location("predict_onnx", EXAMPLES / "predict_onnx.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
