"""The options that say how a table is read: the same on every command that reads one."""

import csv
import json

import pytest

from tests.helpers import assert_one_error, reviews

COMMANDS = ("prepare", "train", "eval", "baseline", "report", "predict")
OPTIONS = (
    "--text", "--label", "--group", "--classes", "--encoding", "--quoting", "--no-header", "--skip-bad-rows",
)  # fmt: skip
STARS = "negative=1,2 positive=4,5"


def write_csv(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def shop(tmp_path):
    """A table as a shop exports it: ids, stars, texts in a column of its own name, empty cells."""
    rows = [
        {"id": f"00{n}", "Stars": [1, 5, 2, 4][n % 4], "remarks": row["text"], "product": row["film"]}
        for n, row in enumerate(reviews(60, ["dull and awful", "bright and lovely"]))
    ]
    middling = {"id": "x1", "Stars": 3, "remarks": "neither good nor bad", "product": "f0"}
    empty = {"id": "x2", "Stars": 1, "remarks": "", "product": "f0"}
    return write_csv(tmp_path / "shop.csv", [*rows, middling, empty])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_them(command, name):
    _, stdout, _ = command(name, "--help")
    assert [option for option in OPTIONS if option not in stdout] == []


def test_a_table_of_a_shop_needs_what_the_messages_say(shop, folder, command):
    prepare = ("prepare", folder / "tiny.toml", "--data", shop, "--json")
    each = "--classes '1=1 2=2 4=4 5=5' --skip-bad-rows"
    assert_one_error(command(*prepare), 3, "has no column for the text (found: id, Stars, remarks, product)",
                     f"name it: --text remarks {each}")  # fmt: skip
    prepare += ("--text", "remarks")
    assert_one_error(
        command(*prepare),
        3,
        "1 of 62 rows cannot be used (line 63: the text is",
        "no other row has the label '3'",
        each,
    )
    code, stdout, stderr = command(*prepare, "--classes", STARS, "--skip-bad-rows", "--group", "product")
    assert code == 0, stderr
    found = json.loads(stdout)
    assert sum(split["reviews"] for split in found["splits"]) == 60 and found["rule"] == "group"
    assert [note.removeprefix(f"{shop}: ") for note in found["notes"]] == [
        "label from the column Stars",
        "left out 1 of 62 rows with other labels: 3 (1)",
        "left out 1 of 62 rows (line 63: the text is empty)",
    ]
    assert all(note in stderr for note in found["notes"])


def test_a_run_remembers_columns_and_labels(shop, folder, command, tmp_path):
    run = tmp_path / "run"
    options = ("--text", "remarks", "--classes", STARS, "--skip-bad-rows", "--group", "product")
    code, _, stderr = command("train", folder / "tiny.toml", "--data", shop, "--run", run, *options)
    assert code == 0, stderr
    data = json.loads((run / "run.json").read_text())["data"]
    assert data["columns"] == {"text": "remarks", "label": "Stars", "group": "product"}
    assert data["classes"] == {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}
    # Its own data, and a copy of them.
    assert command("eval", run, "--split", "validation")[0] == 0
    copy = shop.rename(tmp_path / "copy.csv")
    code, stdout, stderr = command(
        "eval", run, "--data", copy, "--skip-bad-rows", "--split", "validation", "--json"
    )
    assert code == 0 and "the run's epoch was chosen on these reviews" in stderr, stderr
    # Another table: its own names, although the usual ones are there, and its labels.
    rows = [{"text": "-", "remarks": f"take {n}", "Stars": 1 + 4 * (n % 2)} for n in range(8)]
    code, stdout, _ = command("eval", run, "--data", write_csv(tmp_path / "new.csv", rows), "--json")
    assert code == 0 and json.loads(stdout)["evaluation"]["reviews"] == 8
    # A table with other names and labels.
    rows = [{"review": f"take {n}", "sentiment": ["Negative", "Positive"][n % 2]} for n in range(8)]
    code, stdout, stderr = command("eval", run, "--data", write_csv(tmp_path / "other.csv", rows), "--json")
    assert code == 0 and json.loads(stdout)["evaluation"]["reviews"] == 8
    assert "other.csv: text from the column review, label from the column sentiment" in stderr


@pytest.fixture
def renamed(folder, tmp_path):
    """other.jsonl as a csv with other names, and the labels the wrong way round."""
    rows = [json.loads(line) for line in (folder / "other.jsonl").read_text().splitlines()]
    table = [{"text": "-", "words": row["text"], "verdict": ["yes", "no"][row["label"]]} for row in rows]
    return write_csv(tmp_path / "renamed.csv", [*table, {"text": "-", "words": "", "verdict": "no"}])


RENAMED = (
    "--text",
    "words",
    "--label",
    "verdict",
    "--classes",
    "negative=yes positive=no",
    "--skip-bad-rows",
)


def test_eval_takes_columns_and_classes(folder, command, renamed):
    _, plain, _ = command("eval", folder / "run", "--data", folder / "other.jsonl", "--json")
    code, stdout, stderr = command("eval", folder / "run", "--data", renamed, *RENAMED, "--json")
    assert code == 0, stderr
    assert json.loads(stdout)["evaluation"] == json.loads(plain)["evaluation"]
    assert_one_error(
        command("eval", folder / "run", "--data", renamed, *RENAMED[:-1]), 3, "line 12: the text is"
    )
    assert_one_error(
        command("eval", folder / "run", "--data", renamed, "--text", "wrds"), 3, "no column wrds"
    )


def test_predict_takes_columns(folder, command, renamed):
    plain = command("predict", "--run", folder / "run", "--file", folder / "other.jsonl")
    code, stdout, stderr = command("predict", "--run", folder / "run", "--file", renamed, *RENAMED)
    assert (code, stdout) == (0, plain.stdout), stderr
    assert (
        "labelled positive" in stdout
        and f"left out 1 review ({renamed}, line 12: the text is empty)" in stderr
    )


def test_report_and_baseline_take_columns_and_classes(folder, command, renamed, tmp_path):
    page = tmp_path / "page.html"
    code, _, stderr = command("report", folder / "run", "--data", renamed, "--out", page, *RENAMED)
    assert code == 0 and page.exists(), stderr
    code, stdout, stderr = command(
        "baseline", folder / "tiny.toml", "--data", renamed, "--split", "train", *RENAMED,
        "--set", "data.validation=none", "--json",
    )  # fmt: skip
    assert code == 0 and json.loads(stdout)["evaluation"]["reviews"] == 10, stderr


@pytest.mark.parametrize("name", ["prepare", "eval", "predict"])
def test_wrong_classes_are_named_by_their_option(command, name):
    result = command(name, "--classes", "negative=1,5")
    assert_one_error(result, 2, "--classes negative=1,5: must name 2 to 50 classes")
