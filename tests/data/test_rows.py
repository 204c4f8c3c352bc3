"""Rows that cannot be used: all are counted before anything stops, or left out and said."""

import pytest

from sentiment.config import DataSettings
from sentiment.data.audit import audit
from sentiment.data.prepare import data_hash, prepare
from sentiment.data.reviews import ReviewSource
from sentiment.errors import DataError


@pytest.fixture
def bad(tmp_path):
    """A csv with four good rows, and four bad ones in lines 3, 5, 6 and 8."""
    path = tmp_path / "r.csv"
    path.write_text("text,label\ngood,1\n,0\nbad,0\n  ,\nno label,\nfine,1\n<br />,0\ndull,0\n")
    return path


def read(path, **settings):
    source = ReviewSource(DataSettings(source=str(path), **settings))
    return source.read("train"), source.notes


def refused(path):
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value)


def test_all_bad_rows_are_counted_and_the_first_three_named(bad):
    assert refused(bad) == (
        f"{bad}: 4 of 8 rows cannot be used (line 3: the text is empty, line 5: the text is empty, "
        "line 6: there is no label, ...); remove or mend the rows, "
        "or leave bad rows out with --skip-bad-rows"
    )


def test_bad_rows_are_left_out_and_said(bad):
    reviews, notes = read(bad, skip_bad_rows=True)
    assert (reviews.texts, reviews.labels_N.tolist()) == (["good", "bad", "fine", "dull"], [1, 0, 1, 0])
    assert notes == [
        f"{bad}: left out 4 of 8 rows (line 3: the text is empty, line 5: the text is empty, "
        "line 6: there is no label, ...)"
    ]


def test_unknown_labels_and_bad_rows_are_said_at_once(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text,stars\ngood,5\n,1\nbad,1\nso so,3\nno label,\n")
    assert refused(path).endswith(
        "line 2: no other row has the label '5' (found: 1, 3, 5); mend the row, or name the labels to use; "
        "2 of 5 rows cannot be used (line 3: the text is empty, line 6: there is no label): "
        "--classes 'negative=LABEL,LABEL positive=LABEL' --skip-bad-rows"
    )
    reviews, notes = read(path, classes="negative=1 positive=5", skip_bad_rows=True)
    assert reviews.texts == ["good", "bad"]
    assert [note.removeprefix(f"{path}: ") for note in notes] == [
        "label from the column stars",
        "left out 1 of 5 rows with other labels: 3 (1)",
        "left out 2 of 5 rows (line 3: the text is empty, line 6: there is no label)",
    ]


def test_everything_a_table_needs_is_in_the_first_message(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("id;remark;mark\n1;good one;5\n2;;1\n3;bad one;1\n4;so so;3\n")
    assert refused(path).endswith(
        "name them: --text remark --label mark --classes 'negative=LABEL,LABEL positive=LABEL' "
        "--skip-bad-rows"
    )
    found, _ = read(
        path, text_column="remark", label_column="mark", classes="negative=1 positive=5", skip_bad_rows=True
    )
    assert found.texts == ["good one", "bad one"]


def test_rows_that_cannot_be_read_are_counted_too(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text,label\ngood,1\na, b, c,0\n,1\nbad,0\n")
    with pytest.raises(
        DataError, match=r"2 of 4 rows cannot be used \(line 3: 4 fields where .*, line 4: the text"
    ):
        read(path)
    reviews, notes = read(path, skip_bad_rows=True)
    assert reviews.texts == ["good", "bad"] and "left out 2 of 4 rows (line 3: 4 fields" in notes[0]


def test_a_test_split_whose_labels_are_secret_is_no_obstacle(tmp_path, rows, write_rows, config_for):
    write_rows(tmp_path / "train.jsonl", rows)
    write_rows(tmp_path / "test.jsonl", [{"text": row["text"], "label": None} for row in rows])
    found = audit(config_for(tmp_path), 1)
    assert [split.split for split in found.splits] == ["train", "validation"]
    assert found.notes == [f"{tmp_path / 'test.jsonl'} has no labels in the column label"]
    with pytest.raises(DataError, match="has no labels in the column label"):
        ReviewSource(DataSettings(source=str(tmp_path))).read("test")


def test_groups_stay_with_their_rows(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text,label,film\n,1,a\ngood,1,b\nbad,0,\n")
    reviews, _ = read(path, skip_bad_rows=True)
    assert reviews.groups is not None and reviews.groups[0] == "b" and reviews.groups[1] not in ("a", "b", "")


def test_a_table_of_bad_rows_only_is_refused(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text,label\n,1\n,0\n")
    with pytest.raises(DataError, match=r"holds no usable reviews .*left out 2 of 2 rows"):
        read(path, skip_bad_rows=True)


def test_the_hash_of_whole_data_is_that_of_older_versions(tmp_path, rows, write_rows, config_for):
    """Old runs know their data by this hash: texts and labels, 0 or 1, in the order of the file."""
    source = write_rows(tmp_path / "r.jsonl", rows)
    expected = "9a3dd08b5adf85b4b43eae3202d3680b9c8d9718ee78725ecd0cbec237dfd5ef"
    assert data_hash(config_for(source)) == expected
    assert data_hash(config_for(source, "data.skip_bad_rows = true")) == expected
    words = [row | {"label": ("Negative", " pos")[row["label"]]} for row in rows]
    assert data_hash(config_for(write_rows(tmp_path / "w.jsonl", words))) == expected


def test_what_was_chosen_is_kept_for_the_run(tmp_path, rows, write_rows, config_for):
    renamed = [{"Review": row["text"], "Stars": 1 + 4 * row["label"]} for row in rows]
    source = write_rows(tmp_path / "r.jsonl", renamed)
    found = prepare(config_for(source, "data.classes = 'negative=1,2 positive=4,5'"), 1)
    assert found.columns == {"text": "Review", "label": "Stars", "group": None}
    assert found.classes.of_label == {"1": "negative", "5": "positive"}
    assert found.notes == [f"{source}: text from the column Review, label from the column Stars"]


def test_texts_without_labels_are_refused_and_the_message_says_what_to_write(tmp_path):
    path = tmp_path / "r.txt"
    path.write_text("a dull film\na lovely film\n")
    message = refused(path)
    assert message.startswith(
        f"{path} has a text in each line and no labels; begin each line with __label__0 or"
    )
    path.write_text("__label__0 a dull film\n__label__1 a lovely film\n")
    assert read(path)[0].labels_N.tolist() == [0, 1]
