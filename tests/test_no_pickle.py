"""Nothing in the package reads or writes a pickle: no such module, no such function, no such option."""

import ast
from pathlib import Path

import pytest

import sentiment

PACKAGE = Path(sentiment.__file__).parent
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"torch.load", "torch.save", "pandas.read_pickle", "pd.read_pickle"}


def offences(source):
    """List the expressions of a source file that could run code from a data file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        elif isinstance(node, ast.keyword):
            names = []
            literal = isinstance(node.value, ast.Constant) and node.value.value is False
            if node.arg == "allow_pickle" and not literal:
                yield ast.unparse(node)
        else:
            continue
        for name in names:
            if name in CALLS or name.split(".")[0] in MODULES:
                yield name


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_opens_no_pickle(path):
    assert list(offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import joblib.numpy_pickle as n",
        "from pickle import loads",
        "from torch import load",
        "import torch\ntorch.load('x')",
        "f = torch.load",
        "np.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=wanted)",
    ],
)
def test_the_test_notices_every_pickle(source):
    assert list(offences(source))


def test_numpy_loads_forbid_pickles():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert "allow_pickle" in [keyword.arg for keyword in node.keywords], path
