"""The commands of docs/your-own-data.md, typed one after the other, on a table as a shop exports it."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.test_readme import find_commands, run_command

GUIDE = Path(__file__).parents[2] / "docs" / "your-own-data.md"
NEW = [
    ["id", "comment"],
    ["00101", "The lamp is wonderful."],
    ["00102", ""],
    ["00103", "Dreadful; never again."],
]


def write_table(path, rows, separator=";"):
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator, lineterminator="\r\n").writerows(rows)


@pytest.fixture
def shop(tmp_path):
    """shop.csv with ids, stars, products and one empty cell, and the tables to measure on and to predict."""
    judgements = [(5, "wonderful"), (1, "dreadful"), (3, "fair"), (2, "dull"), (4, "lovely")]
    rows = [
        [f"{n:05}", stars, f"product {n % 40}", f"Part {n} of the delivery was {word}."]
        for n, (stars, word) in enumerate(judgements * 48, start=12)
    ]
    rows[3][3] = ""
    header = ["id", "stars", "product", "comment"]
    write_table(
        tmp_path / "shop.csv", [header, *rows, ["99998", 5, "lamp", "Fine."], ["99999", 1, "lamp", "Bad."]]
    )
    write_table(tmp_path / "more.csv", [header, *rows[5:25]], separator=",")
    write_table(tmp_path / "new.csv", NEW)
    return tmp_path


def find_messages(page):
    """Return the messages that the page shows, each as one line."""
    blocks = re.findall(r"^```text\n(error: .*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [" ".join(block.split()) for block in blocks]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_leads_from_a_spreadsheet_to_a_model_and_back(shop, environment):
    page = GUIDE.read_text(encoding="utf-8")
    first, *commands = [line for line in find_commands(page) if line.startswith("sentiment ")]
    result = subprocess.run(
        [sys.executable, "-m", *first.split()], cwd=shop, env=environment, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr.splitlines()[-1]) == (3, *find_messages(page))
    assert len(commands) >= 10
    for command in commands:
        assert run_command(command, shop, environment), command
    with (shop / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        answers = list(csv.reader(file, delimiter=";"))
    assert [row[:2] for row in answers] == NEW
    assert answers[0][2:] == ["label", "probability", "doubt"]
    assert answers[2][2:4] == ["", ""] and answers[2][4]
    assert answers[1][2] and answers[3][2]
