"""The generated pages are up to date."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def make_docs():
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["configuration", "commands"])
def test_pages_are_up_to_date(make_docs, page):
    written = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert getattr(make_docs, f"{page}_page")() == written, "run: make docs"


def test_every_key_and_every_command_is_described(make_docs):
    for line in make_docs.configuration_page().splitlines():
        if line.startswith("| `"):
            assert len(line.split("|")[-2].strip()) > 10, line
    for block in re.findall(r"^```text$(.*?)^```$", make_docs.commands_page(), re.MULTILINE | re.DOTALL):
        assert all(len(line) <= 80 for line in block.splitlines())
    assert "sentiment predict" in make_docs.commands_page()


def test_the_picture_shows_an_explanation_and_requests_nothing(make_docs):
    picture = make_docs.explanation_picture()
    assert "wonderful" in picture and "url(" not in picture.replace("url(#", "")
    assert not re.search(r"https?://(?!www\.w3\.org|www\.textualize)", picture)
    kept = (ROOT / "docs" / "explanation.svg").read_text(encoding="utf-8")
    written = re.compile(r">([^<]+)</text>")
    assert kept.startswith("<svg") and written.findall(kept) == written.findall(picture)
