"""A threshold is kept next to a run, without a change to the run itself."""

import json

import pytest

from sentiment.errors import RunError, UsageError
from sentiment.runs import SHIPPED
from sentiment.runs.decision import DECISION_FILE, Decision, keep_threshold, read_decision


def test_what_was_kept_is_read(tmp_path):
    assert read_decision(tmp_path) is None
    keep_threshold(tmp_path, 0.25, "given")
    assert read_decision(tmp_path) == Decision(0.25)
    assert json.loads((tmp_path / DECISION_FILE).read_text()) == {"threshold": 0.25, "chosen": "given"}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"threshold": "0.5"}', '{"threshold": 2}', '{"threshold": true}', " " * 2**18 + "{}"],
    ids=range(7),
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / DECISION_FILE).write_text(content)
    with pytest.raises(RunError, match=r"decision\.json is damaged"):
        read_decision(tmp_path)


def test_nothing_is_kept_for_the_shipped_model():
    with pytest.raises(UsageError, match="--threshold P"):
        keep_threshold(SHIPPED, 0.25, "given")
    assert not (SHIPPED / DECISION_FILE).exists()


@pytest.mark.parametrize(
    ("probability", "label"),
    [(0.2, "negative"), (0.3, "unsure"), (0.6, "unsure"), (0.61, "negative"), (0.81, "positive")],
)
def test_unsure_comes_before_the_threshold(probability, label):
    assert Decision(0.8, (0.3, 0.6)).label({"negative": 1 - probability, "positive": probability}) == label


def test_of_more_classes_the_likeliest_is_the_label():
    assert Decision().label({"a": 0.3, "b": 0.45, "c": 0.25}) == "b"
    assert Decision().label({"a": 0.4, "b": 0.4, "c": 0.2}) == "a"
