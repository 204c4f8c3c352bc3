"""The script that measures what a few texts are worth."""

import csv
import sys

import pytest

from scripts import adapting

TEXTS = {"broke at once": "negative", "works, a gem": "positive"}


@pytest.mark.slow
def test_it_prints_a_row_for_each_way_to_answer(tmp_path, capsys, monkeypatch):
    table = tmp_path / "reviews.csv"
    with table.open("w", newline="") as file:
        rows = [(f"Unit {unit} {text}.", label) for unit in range(30) for text, label in TEXTS.items()]
        csv.writer(file).writerows([("text", "label"), *rows])
    monkeypatch.setattr(sys, "argv", ["adapting", str(table), "--texts", "40", "--draws", "1"])
    adapting.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(adapting.ANSWERS)
    assert lines[-1].split()[:5] == ["adapt,", "from", "shipped", "100.0%", "100.0%"]
