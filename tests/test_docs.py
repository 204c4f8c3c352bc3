"""The code in the documentation runs as it is, its links lead to files, and its pages stay short."""

import ast
import re
from pathlib import Path

import pytest

import sentiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_LINES = {
    "README.md": 80,
    "CONTRIBUTING.md": 80,
    "docs/index.md": 60,
    "docs/your-own-data.md": 120,
    "docs/results.md": 100,
    "docs/troubleshooting.md": 120,
}
MOST_COLUMNS = 140  # a row of a table may be longer
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "text", "sh", "toml", "json"}  # `python` runs; Python that must not run is `text`
LINK = re.compile(r"\[[^\]]+\]\(([\w./-]+)\)")

PAGES_THAT_TRAIN = {"python.md", "adapting.md"}
NEEDS_SPARK = "bulk.md"  # tests/bulk/test_spark.py runs it
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def python_blocks(page: Path) -> list[str]:
    """Return the blocks of a page in order, with their line numbers for tracebacks."""
    text = page.read_text(encoding="utf-8")
    return [
        "\n" * text.count("\n", 0, block.start(2)) + block[2]
        for block in BLOCK.finditer(text)
        if block[1] == "python"
    ]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] * (page.name in PAGES_THAT_TRAIN))
        for page in PAGES
        if page.name != NEEDS_SPARK
    ],
    ids=lambda page: page.name,
)
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for block in python_blocks(page):
        exec(compile(block, str(page), "exec"), namespace)


@every_page
def test_every_block_names_a_language(page):
    text = page.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert {language for language, _ in blocks} <= LANGUAGES
    assert text.count("```") == 2 * len(blocks), "a block is indented or not closed"


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_page_for_users_is_short(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES[name]
    assert [line for line in lines if len(line) > MOST_COLUMNS and not line.startswith("|")] == []


def test_the_page_about_python_uses_public_names_only():
    code = ast.parse("".join(python_blocks(ROOT / "docs" / "python.md")))
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(code)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    used = {
        node.attr
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sentiment"
    }
    assert {name for name in imported if name.startswith("sentiment")} == {"sentiment"}
    assert used and used <= set(sentiment.__all__)


def test_no_public_name_is_also_a_package():
    # Python binds a package to its parent on import: it would hide a function of the same name.
    packages = {path.stem for path in (ROOT / "sentiment").iterdir()}
    assert packages & set(sentiment.__all__) == set()


def test_the_index_links_every_page():
    links = LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= set(links)


def test_every_block_about_lstms_asserts_something():
    for block in python_blocks(ROOT / "docs" / "lstm.md"):
        assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(block))), block.lstrip()


@every_page
def test_every_link_leads_to_a_file(page):
    links = LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []
