"""The commands on docs/export.md do what the page says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporting.test_examples import require_node

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


def typed_commands():
    """Return the lines of the page's blocks of commands."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_page_names_every_key_of_the_metadata(run):
    import sentiment
    from sentiment.exporting.description import describe

    about = describe(sentiment.load(run))
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert about.keys() <= named
    assert about["text"].keys() | about["tokenizer"].keys() <= named


@pytest.mark.extras
@pytest.mark.timeout(600)
def test_every_command_of_the_page_works(tmp_path):
    require_node(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    answers = []
    for line in typed_commands():
        words = shlex.split(line)
        if "install" in words:
            continue  # pip and npm: what they install is here
        if words[0] in ("sentiment", "python"):
            words[:1] = [sys.executable, *(["-m", "sentiment"] if words[0] == "sentiment" else [])]
        done = subprocess.run(
            words,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        answers.append([re.findall(r'"label": ?"(\w+)"', row) for row in done.stdout.splitlines()])
    assert (tmp_path / "model.onnx").stat().st_size > 10_000_000
    assert answers[1:] == [[["positive"], ["negative"]]] * 2
