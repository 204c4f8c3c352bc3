"""The script that draws accuracy over training time, and the one that judges short texts."""

import csv
import sys
from pathlib import Path

import pytest

from scripts import short_texts, speedrun

TINY = """
[model]
embedding = 4
hidden = 4
[training]
epochs = 1
[machine]
threads = 1
"""


@pytest.fixture
def speed_of(tmp_path, monkeypatch, capsys):
    """Return a function that runs the script on the bundled reviews and returns what it prints."""

    def run(*options):
        recipe = tmp_path / "tiny.toml"
        recipe.write_text(TINY)
        given = [str(recipe), "--data", "sample", "--runs", str(tmp_path / "runs"), *options]
        monkeypatch.setattr(sys, "argv", ["speedrun", *given])
        with pytest.raises(SystemExit) as end:
            speedrun.main()
        assert end.value.code == 0
        return capsys.readouterr()

    return run


@pytest.mark.slow
def test_it_compares_recipes_with_the_linear_model_and_trains_once(speed_of, tmp_path):
    first = speed_of("--seeds", "1", "2", "--chart", str(tmp_path / "curve.svg"))
    linear, tiny = first.out.splitlines()[2:]
    assert linear.startswith("| linear model | 0.0 | ") and tiny.count("%") == 3
    assert "validation accuracy" in (tmp_path / "curve.svg").read_text()
    again = speed_of("--seeds", "1", "2")
    assert again.out.splitlines()[3] == tiny and "is already finished" in again.err


@pytest.mark.slow
def test_short_texts_are_judged_by_kind_and_at_other_shares(speed_of, tmp_path, monkeypatch, capsys):
    speed_of("--seeds", "1")
    (run,) = (tmp_path / "runs").iterdir()
    with Path(tmp_path / "opinions.csv").open("w", newline="") as file:
        rows = [
            ("text", "label", "kind"),
            ("Good.", 1, "plain"),
            ("Bad.", 0, "plain"),
            ("Not bad.", 1, "not"),
        ]
        csv.writer(file).writerows(rows)
    options = ["--texts", str(tmp_path / "opinions.csv"), "--shares", "0.2", "0.6"]
    monkeypatch.setattr(sys, "argv", ["short_texts", str(run), "shipped", *options])
    short_texts.main()
    told = capsys.readouterr()
    own, shipped = (dict(row) for row in _tables(told.out))
    assert own["opinions plain, 2"] == ["50.0%", "50.0%"]
    assert any(name.startswith("first sentences, ") for name in own)
    assert shipped["share of the evidence"] == ["0.20", "0.60"]
    assert shipped["opinions plain, 2"] == ["100.0%", "100.0%"] and "opinions not, 1" in shipped
    assert "probe 2, negation, 310" in shipped and "no validation reviews: " in told.err


def _tables(output):
    """Return the rows of each run: name and cells."""
    tables = []
    for line in output.splitlines():
        if line.startswith(" "):
            name, *cells = line.strip().split("  ")
            tables[-1].append((name, " ".join(cells).split()))
        else:
            tables.append([])
    return tables
