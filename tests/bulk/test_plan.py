"""Files keep their names and their places below the folder that is read."""

import pytest

from sentiment.bulk.plan import find_shards
from sentiment.errors import DataError, UsageError


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/b.csv",
        "in/a.jsonl",
        "in/day=1/c.parquet",
        "in/_SUCCESS",
        "in/.hidden.csv",
        "in/notes.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\nfine\n")
    return tmp_path


def targets(pattern, out):
    return [str(shard.target.relative_to(out.resolve())) for shard in find_shards(pattern, out)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("in", ["a.jsonl", "b.csv", "day=1/c.parquet"]),
        ("in/*.csv", ["b.csv"]),
        ("in/**/*.parquet", ["day=1/c.parquet"]),
        ("in/day=*/*", ["day=1/c.parquet"]),
        ("in/b.csv", ["b.csv"]),
    ],
)
def test_a_file_keeps_its_name_and_its_place(tree, pattern, names):
    assert targets(pattern, tree / "out") == names
    assert targets(str(tree / pattern), tree / "out") == names


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a.json", "a.jsonl"),
        ("a.arrow", "a.parquet"),
        ("a.xlsx", "a.csv"),
        ("a.txt", "a.csv"),
        ("a.TSV.gz", "a.TSV"),
    ],
)
def test_an_ending_that_cannot_be_written_changes(tmp_path, name, target):
    (tmp_path / name).write_text("x")
    assert targets(str(tmp_path / name), tmp_path / "out") == [target]


def test_two_files_that_would_become_one_are_refused(tree):
    (tree / "in" / "b.csv.gz").write_text("x")
    with pytest.raises(UsageError, match=r"would both become b\.csv"):
        find_shards("in", tree / "out")


def test_the_files_that_are_read_are_not_written(tree):
    with pytest.raises(UsageError, match="has the files that are read"):
        find_shards("in", tree / "in")


def test_what_was_written_below_the_input_is_not_read_again(tree):
    (tree / "in" / "out").mkdir()
    (tree / "in" / "out" / "b.csv").write_text("x")
    assert "b.csv" in targets("in", tree / "in" / "out")
    assert len(targets("in", tree / "in" / "out")) == 3


def test_a_pattern_without_files_is_an_error(tree):
    with pytest.raises(DataError, match="no such file"):
        find_shards("in/*.orc", tree / "out")
