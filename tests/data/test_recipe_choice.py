"""The recipe that is chosen by the size of the source."""

import json

import pytest

from sentiment.config import ENOUGH_ROWS, default_recipe, read_config
from sentiment.data.recipe_choice import choose_recipe
from sentiment.errors import DataError, UsageError
from tests.helpers import reviews


@pytest.fixture
def source_of(tmp_path, write_rows):
    """A file of so many rows, as an override."""

    def write(rows):
        path = write_rows(tmp_path / f"{rows}.jsonl", reviews(rows, ["dull", "lovely"]))
        return f"data.source={json.dumps(str(path))}"

    return write


def test_the_size_decides():
    assert [default_recipe(rows) for rows in (1, ENOUGH_ROWS - 1, ENOUGH_ROWS)] == ["small", "small", "imdb"]


@pytest.mark.parametrize(
    ("rows", "recipe", "why"), [(4_999, "small", "fewer than 5,000"), (5_000, "imdb", "5,000 or more")]
)
def test_the_training_rows_are_counted(source_of, rows, recipe, why):
    overrides = [source_of(rows), "seed=4"]
    choice = choose_recipe(overrides)
    assert (choice.recipe, choice.config, choice.rows) == (recipe, read_config(recipe, overrides), rows)
    assert choice.describe() == f"using the recipe {recipe}: {rows:,} training rows ({why})"


def test_other_splits_do_not_count(tmp_path, write_rows):
    write_rows(tmp_path / "train.jsonl", reviews(20, ["dull", "lovely"]))
    write_rows(tmp_path / "test.jsonl", reviews(6_000, ["dull", "lovely"]))
    choice = choose_recipe([f"data.source={json.dumps(str(tmp_path))}"])
    assert (choice.recipe, choice.rows) == ("small", 20)


def test_rows_that_are_left_out_do_not_count(source_of, tmp_path):
    (tmp_path / "positions").write_text("3\n4\n")
    exclude = f"data.exclude={json.dumps(str(tmp_path / 'positions'))}"
    overrides = [source_of(5_001), exclude]
    assert (choose_recipe(overrides).recipe, choose_recipe(overrides).rows) == ("small", 4_999)
    assert choose_recipe([*overrides, "data.limit=1000"]).rows == 1_000
    assert choose_recipe([*overrides, "data.limit=9000"]).rows == 4_999


def test_settings_that_only_one_recipe_takes_are_no_mistake(source_of):
    """`imdb` learns phrases, which needs evidence."""
    setting = "evidence.weight=0"
    assert choose_recipe([source_of(20), setting]).config.evidence.weight == 0
    with pytest.raises(UsageError, match=r"evidence\.phrases needs evidence\.weight"):
        choose_recipe([source_of(5_000), setting])


def test_a_mistake_in_a_setting_is_reported_before_the_source_is_opened():
    with pytest.raises(UsageError, match=r"did you mean training\.epochs"):
        choose_recipe(["data.source=nowhere.csv", "training.epohcs=1"])


def test_a_source_without_a_train_split_is_an_error(tmp_path, write_rows):
    write_rows(tmp_path / "test.jsonl", reviews(20, ["dull", "lovely"]))
    with pytest.raises(DataError, match=r"no split named train \(found: test\)"):
        choose_recipe([f"data.source={json.dumps(str(tmp_path))}"])
