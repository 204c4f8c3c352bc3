"""Which columns are read: an option, else the run's own names, else the usual ones; the choice is said."""

import pytest

from sentiment.config import DataSettings, OwnTable
from sentiment.data.columns import LABEL_NAMES, TEXT_NAMES, Columns, choose_columns, require_group
from sentiment.errors import DataError


def choose(names, own=None, needs_label=True, values=None, **settings):
    wanted = DataSettings(**settings)
    if own is not None:
        wanted = wanted.for_another_table(OwnTable(**own), **settings)
    return choose_columns(names, wanted, origin="r.csv", needs_label=needs_label, values=values)


def refused(*arguments, **settings):
    with pytest.raises(DataError) as caught:
        choose(*arguments, **settings)
    assert len(str(caught.value)) <= 300
    return str(caught.value)


def test_a_table_without_another_column_is_told_to_add_one():
    for settings in (DataSettings(), DataSettings(label_column="mood")):
        with pytest.raises(DataError, match=r"\(found: Review\); add a column label, with the label of each"):
            choose_columns(["Review"], settings)


def test_the_plain_names_are_chosen_without_a_word():
    assert choose(["id", "label", "text", "film"]) == Columns("text", "label", "film", note=None)
    assert choose(["text"], needs_label=False) == Columns("text", None, None, note=None)
    assert choose(["text", "stars"], needs_label=False) == Columns("text", "stars", None, note=None)


@pytest.mark.parametrize("text", TEXT_NAMES)
@pytest.mark.parametrize("change", [str, str.upper, lambda name: f" {name} "])
def test_usual_names_of_texts_are_found_in_any_case(text, change):
    found = choose(["id", change(text), "label"])
    assert (found.text, found.label) == (change(text), "label")


@pytest.mark.parametrize("label", LABEL_NAMES)
def test_usual_names_of_labels_are_found(label):
    found = choose(["id", "text", label.title()])
    assert found.label == label.title()
    assert (found.note is None) == (found.label == "label")


def test_the_order_decides_and_what_lost_is_said():
    found = choose(["score", "Review", "rating", "Sentence"])
    assert (found.text, found.label) == ("Review", "rating")
    assert found.note == (
        "r.csv: text from the column Review (not Sentence: --text), "
        "label from the column rating (not score: --label)"
    )


def test_an_option_wins():
    names = ["text", "review", "label", "stars", "shop"]
    found = choose(names, text_column="review", label_column="stars", group_column="shop")
    assert found == Columns("review", "stars", "shop", note=None)
    found = choose(names, own={"text": "text"}, text_column="review")
    assert found.text == "review"
    assert (
        choose(["text", "review"], own={"text": "review"}, needs_label=False, text_column="text").text
        == "text"
    )


def test_an_option_whose_column_is_missing_is_an_error():
    message = refused(["text", "label"], text_column="remarks")
    assert message == "r.csv has no column remarks (found: text, label); name it: --text COLUMN"
    with pytest.raises(
        DataError, match=r"r\.csv has no column shop for the groups; name another with --group"
    ):
        settings = DataSettings(group_column="shop")
        require_group(choose_columns(["text", "label"], settings), settings, "r.csv")


def test_the_names_of_the_run_come_before_the_usual_ones_and_are_not_required():
    own = {"text": "remarks", "label": "mood"}
    found = choose(["text", "label", "remarks", "mood"], own=own)
    assert (found.text, found.label) == ("remarks", "mood")
    found = choose(["review", "stars"], own=own)
    assert (found.text, found.label) == ("review", "stars")


def test_settings_of_an_old_run_name_the_plain_columns_and_still_find_others():
    old = DataSettings(text_column="text", label_column="label", group_column="film")
    found = choose_columns(["tweet", "polarity"], old)
    assert (found.text, found.label, found.group) == ("tweet", "polarity", None)


def test_missing_columns_are_named_together_with_what_to_type():
    values = {
        "id": ["a-very-long-id-1", "a-very-long-id-2", "a-very-long-id-3"],
        "remarks": ["good one", "bad one", "so so"],
        "mood": ["+", "-", "-"],
        "shop": ["only one", "only one", "only one"],
    }
    assert refused(list(values), values=values) == (
        "r.csv has no column for the text and no column for the label (found: id, remarks, mood, shop); "
        "name them: --text remarks --label mood"
    )


def test_an_id_is_not_suggested_as_a_label():
    values = {"id": ["1", "2", "3"], "text": ["good one", "bad one", ""]}
    assert refused(list(values), values=values).endswith("name it: --label COLUMN")


def test_a_message_about_many_long_columns_is_short():
    message = refused([f"question {n} of the survey" for n in range(500)])
    assert message.endswith("name them: --text COLUMN --label COLUMN") and "..." in message


def test_a_suggested_column_can_be_pasted_into_a_shell():
    message = refused(["the words"], needs_label=False, values={"the words": ["good", "bad"]})
    assert message.endswith("--text 'the words'")
