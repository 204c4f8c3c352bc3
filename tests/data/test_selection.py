"""Training reviews that are left out by position, and a part of them for a first try."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from sentiment.data.parts import load_part
from sentiment.data.prepare import data_hash, prepare
from sentiment.data.reviews import load_reviews
from sentiment.data.selection import excluded_positions, select_reviews
from sentiment.errors import DataError
from sentiment.training.run import train_run

TINY = [
    "batches.tokens = 256",
    "model = {embedding = 8, hidden = 4, layers = 1}",
    "training.epochs = 1",
    'machine = {device = "cpu", threads = 1}',
]


@pytest.fixture
def source(tmp_path, rows, write_rows):
    return write_rows(tmp_path / "reviews.jsonl", rows)


@pytest.fixture
def positions(tmp_path):
    """Write a file of positions; return the line of the configuration that names it."""

    def write(text):
        (tmp_path / "positions.csv").write_text(text, encoding="utf-8")
        return f"data.exclude = {json.dumps(str(tmp_path / 'positions.csv'))}"

    return write


def select(config, splits=None):
    return select_reviews(splits or load_reviews(config.data), config.data, config.seed)


@pytest.mark.parametrize(
    "text",
    [
        "position\n3\n0\n7\n",
        "3\n0\n7\n7\n",
        "\ufeffposition\r\n3\r\n\r\n0\r\n7",
        "kind,Position\nx,3\ny,0\nz,7\n",
    ],
)
def test_positions_are_read_as_people_write_them(config_for, source, positions, text):
    config = config_for(source, positions(text))
    assert excluded_positions(config.data, load_reviews(config.data)["train"]).tolist() == [0, 3, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("position\n3\nx\n", "positions.csv, line 3: 'x' is not a position"),
        ("3\n-1\n", "line 2: '-1' is not a position"),
        ("3\n1.0\n", "line 2: '1.0' is not a position"),
        ("place\n3\n", "line 1: 'place' is not a position"),
        ("0\n48\n", "line 2: position 48 is too large; there are 0 to 47"),
        ("position\n", "lists no positions"),
        ("", "lists no positions"),
    ],
)
def test_a_wrong_file_of_positions_is_named_with_its_line(config_for, source, positions, text, message):
    with pytest.raises(DataError, match=message):
        prepare(config_for(source, positions(text)), 1)


def test_a_missing_file_of_positions_is_named(config_for, source):
    with pytest.raises(DataError, match=r"cannot read gone\.csv, which data\.exclude names: No such file"):
        prepare(config_for(source, 'data.exclude = "gone.csv"'), 1)


def test_excluded_reviews_are_in_no_part_and_the_others_stay_where_they_are(
    config_for, source, positions, rows
):
    whole, fewer = config_for(source), config_for(source, positions("position\n0\n1\n47\n20\n"))
    left_out = {rows[position]["text"] for position in (0, 1, 20, 47)}
    for split in ("train", "validation"):
        texts = load_part(whole, split, 1).texts()
        assert load_part(fewer, split, 1).texts() == [text for text in texts if text not in left_out]
    prepared = prepare(fewer, 1)
    assert len(prepared.train.reviews) + len(prepared.validation.reviews) == 44
    assert prepared.notes == ["data.exclude leaves out 4 of 48 training reviews"]
    assert prepare(whole, 1).notes == []


def test_positions_count_rows_that_cannot_be_used(config_for, tmp_path, rows, write_rows, positions):
    source = write_rows(
        tmp_path / "reviews.jsonl", [rows[0] | {"text": ""}, *rows, rows[0] | {"label": None}]
    )
    config = config_for(source, positions("0\n1\n48\n49\n"), "data.skip_bad_rows = true")
    texts = {*load_part(config, "train", 1).texts(), *load_part(config, "validation", 1).texts()}
    assert texts == {row["text"] for row in rows[1:-1]}


def test_a_validation_split_of_the_source_stays_whole(config_for, tmp_path, rows, write_rows, positions):
    write_rows(tmp_path / "reviews" / "train.jsonl", rows[:24])
    write_rows(tmp_path / "reviews" / "validation.jsonl", rows[24:])
    prepared = prepare(config_for(tmp_path / "reviews", positions("0\n1\n")), 1)
    assert (len(prepared.train.reviews), len(prepared.validation.reviews)) == (22, 24)


def test_a_class_that_is_excluded_whole_is_missed(config_for, source, positions):
    even = "\n".join(map(str, range(0, 48, 2)))
    with pytest.raises(DataError, match=r"one class only.* data\.exclude leaves too many"):
        prepare(config_for(source, positions(even)), 1)


def test_positions_are_part_of_the_hash_of_the_data(config_for, source, positions):
    before = data_hash(config_for(source))
    assert data_hash(config_for(source, "data.limit = 12")) == before
    found = {data_hash(config_for(source, positions(text))) for text in ("0\n1", "1\n0\n0", "0\n2")}
    assert len(found) == 2 and before not in found


@pytest.mark.parametrize("limit", [6, 12, 13, 30, 47])
def test_a_limit_takes_whole_groups_and_as_many_of_each_class(config_for, source, rows, limit):
    selection = select(config_for(source, f"data.limit = {limit}"))
    taken = selection.splits["train"]
    assert len(taken) == limit // 6 * 6  # six reviews a film
    assert set(Counter(taken.groups).values()) == {6}
    assert np.bincount(taken.labels_N).tolist() == [len(taken) // 2] * 2
    assert list(taken.texts) == [row["text"] for row in rows if row["film"] in taken.groups]
    share = len(taken) / 48
    assert selection.notes == [f"data.limit takes {len(taken)} of 48 training reviews ({share:.1%})"]


def test_a_limit_is_drawn_by_the_seed(config_for, source):
    def films(seed):
        return set(select(config_for(source, "data.limit = 12", f"seed = {seed}")).splits["train"].groups)

    assert films(1) == films(1)
    assert len({frozenset(films(seed)) for seed in range(8)}) > 1


def test_a_limit_that_is_not_reached_changes_nothing(config_for, source):
    splits = load_reviews(config_for(source).data)
    for limit in (0, 48, 1000):
        selection = select(config_for(source, f"data.limit = {limit}"), splits)
        assert selection.splits is splits and list(selection.notes) == []


@pytest.mark.parametrize("rule", ["auto", "random"])
def test_a_rare_class_leaves_its_room_to_the_other(config_for, tmp_path, write_rows, rule):
    rows = [{"text": f"take {n}", "label": int(n % 10 > 0)} for n in range(200)]
    source = write_rows(tmp_path / "reviews.jsonl", rows)
    taken = select(config_for(source, "data.limit = 100", f"data.validation = '{rule}'")).splits["train"]
    negative, positive = np.bincount(taken.labels_N)
    assert negative <= 20 and negative + positive <= 100
    if rule == "random":
        assert (negative, positive) == (20, 80)


def test_a_limit_below_one_group_is_refused(config_for, source):
    with pytest.raises(DataError, match=r"data\.limit=5 is too small: the smallest group has 6 reviews"):
        prepare(config_for(source, "data.limit = 5"), 1)


def test_excluded_reviews_are_not_taken_by_a_limit(config_for, source, positions, rows):
    config = config_for(source, positions("0\n1\n2\n"), "data.limit = 20", "data.validation_share = 0.3")
    prepared = prepare(config, 1)
    assert prepared.notes[0] == "data.exclude leaves out 3 of 48 training reviews"
    assert re.match(r"data\.limit takes 1[58] of 45 training reviews", prepared.notes[1])
    texts = {*load_part(config, "train", 1).texts(), *load_part(config, "validation", 1).texts()}
    assert f"takes {len(texts)} of" in prepared.notes[1] and not texts & {row["text"] for row in rows[:3]}


def test_a_limit_cuts_unlabelled_reviews_to_the_same_share(config_for, tmp_path, rows, write_rows):
    write_rows(tmp_path / "reviews" / "train.jsonl", rows)
    write_rows(tmp_path / "reviews" / "unsupervised.jsonl", [{"text": f"scene {n}"} for n in range(100)])
    lines = ["data.limit = 24", "data.validation_share = 0.3", "pretraining.epochs = 1", "model.layers = 1"]
    prepared = prepare(config_for(tmp_path / "reviews", *lines), 1)
    assert len(prepared.unlabelled) == 50
    assert prepared.notes[1] == "data.limit takes 50 of 100 unlabelled reviews"


def test_a_run_says_what_it_left_out_and_is_judged_on_its_own_split(
    config_for, source, positions, tmp_path, command, capsys
):
    lines = [positions("0\n1\n2\n"), "data.limit = 24", "data.validation_share = 0.3", *TINY]
    facts = train_run(config_for(source, *lines), tmp_path / "run")
    assert "data.limit takes" in capsys.readouterr().err
    judged = command("eval", tmp_path / "run", "--json")
    assert judged.returncode == 0, judged.stderr
    found = json.loads(judged.stdout)
    assert found["split"] == "validation"
    assert found["evaluation"] == facts["result"]["validation"]
    whole = command("eval", tmp_path / "run", "--data", source, "--json")
    assert json.loads(whole.stdout)["evaluation"]["reviews"] == 48
    assert command("eval", tmp_path / "run", "--baseline").returncode == 0


def test_prepare_says_what_is_left_out(source, positions, command):
    result = command("prepare", "--data", source, "--set", positions("0\n1\n"), "--set", "data.limit=24")
    assert "data.exclude leaves out 2 of 48 training reviews" in result.stderr
    assert re.search(r"data\.limit takes 2\d of 46 training reviews \(\d\d\.\d%\)", result.stderr)
