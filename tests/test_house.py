"""The rooms of the code: their order, their size, and what only one of them may know."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sentiment"
FILES = sorted(PACKAGE.rglob("*.py"))
# From the ground floor up: a room imports from its own floor or from one below it.
FLOORS = [
    ["errors"],
    ["config"],
    ["system"],
    ["probes"],
    ["data"],
    ["models"],
    ["runs"],
    ["inference"],
    ["evaluation", "explain", "exporting"],
    ["training", "report", "sharing"],
    ["serving"],
    ["bulk"],
    ["estimator"],
    ["__init__"],
    ["cli"],
    ["__main__"],
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    """`data` for sentiment.data.tokens, `__init__` for sentiment itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else "__init__"


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions; `from a import b` counts as a.b, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_folder_has_a_floor():
    names = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert names == FLOOR_OF.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_its_own_floor_or_from_below(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imported_modules(path):
        if module.split(".")[0] == "sentiment" and own != "__init__":
            assert FLOOR_OF[room_of(module)] <= FLOOR_OF[own], f"{own} imports {module}"


def test_only_the_adapter_knows_torchtext():
    users = [
        path.name for path in FILES if any(name.startswith("torchtext") for name in imported_modules(path))
    ]
    assert users == ["torchtext_adapter.py"]


def test_only_the_console_prints():
    """It escapes what is printed."""
    printing = re.compile(r"(?<![\w.])print\(|\bsys\.std(?:out|err)\.write|^from tqdm ", re.MULTILINE)
    printers = {path.name for path in FILES if printing.search(path.read_text(encoding="utf-8"))}
    assert printers == {"console.py"}


def test_the_models_know_no_text_and_no_files():
    for path in (PACKAGE / "models").glob("*.py"):
        for module in imported_modules(path):
            assert not module.startswith(("pathlib", "spacy", "sentiment.system", "sentiment.runs")), path
            assert not module.startswith("sentiment.data.") or module.startswith("sentiment.data.ids."), path


def test_files_and_functions_are_short():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, f"{path} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path}: {node.name} is too long"


def test_every_file_says_in_its_first_line_what_it_does():
    for path in FILES:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring and len(docstring.splitlines()[0]) > 10, path
