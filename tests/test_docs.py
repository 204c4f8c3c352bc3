"""The code in the documentation runs as it stands, and its links lead somewhere."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "text", "sh", "toml", "json"}  # `python` runs; Python that must not run is `text`
LINK = re.compile(r"\[[^\]]+\]\(([\w./-]+)\)")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def python_blocks(page: Path) -> list[str]:
    """The page's blocks in order, each moved down to its own lines, so that a traceback points at them."""
    text = page.read_text(encoding="utf-8")
    return [
        "\n" * text.count("\n", 0, block.start(2)) + block[2]
        for block in BLOCK.finditer(text)
        if block[1] == "python"
    ]


@every_page
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


def test_every_block_about_lstms_asserts_something():
    for block in python_blocks(ROOT / "docs" / "lstm.md"):
        assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(block))), block.lstrip()


@every_page
def test_every_link_leads_to_a_file(page):
    links = LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []
