"""Labels of two classes: the known pairs in any case and type, declared names, and --classes."""

import datasets
import pytest

from sentiment.config import DataSettings, OwnTable
from sentiment.config.classes import Classes
from sentiment.data.columns import Columns
from sentiment.data.labels import label_key, read_known_labels, suggest_classes
from sentiment.data.reviews import ReviewSource, load_reviews
from sentiment.data.rows import read_rows
from sentiment.data.sources.table import Table
from sentiment.errors import DataError

COLUMNS = Columns("text", "label", None)


def read(labels, names=None, settings=None, **keys):
    """The usable rows of a table with these labels; `names` are the classes it declares."""
    classes = {} if names is None else {"label": names}
    table = Table(
        "r.csv", {"text": [f"take {n}" for n in range(len(labels))], "label": labels}, classes=classes
    )
    return read_rows(table, COLUMNS, settings or DataSettings(**keys))


def classes_of(labels, *arguments, **keys):
    return read(labels, *arguments, **keys).labels_N.tolist()


def refused(labels, *arguments, **keys):
    with pytest.raises(DataError) as caught:
        read(labels, *arguments, **keys)
    assert len(str(caught.value)) <= 300
    return str(caught.value)


@pytest.mark.parametrize(
    "pair",
    [
        (0, 1), ("0", "1"), (0.0, 1.0), ("0.0", "1.0"), (" 0", "1 "), (False, True), ("False", "True"),
        ("FALSE", "TRUE"), ("neg", "pos"), ("Neg", "POS"), ("negative", "positive"),
        ("Negative", " Positive "), (-1, 1), ("-1", "1"), (-1.0, 1.0), ("-1", "+1"), (0, 4), ("0", "4"),
        (0.0, 4.0),
    ],
)  # fmt: skip
def test_a_known_pair_is_read_in_any_case_and_type(pair):
    negative, positive = pair
    assert classes_of([positive, negative, negative, positive]) == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0, 1, 2], ["0", "1", "2"]),
        ([-1, 1, 0], ["-1", "0", "1"]),
        ([10, 2, 1.0], ["1", "2", "10"]),
        ([1, 4], ["1", "4"]),
        (["pos", "neg", "Neutral"], ["neg", "Neutral", "pos"]),
        ([0, 1, 4], ["0", "1", "4"]),
        ([2.5, 3, "2.50"], ["2.5", "2.50", "3"]),
        ([True, False, "maybe"], ["False", "maybe", "True"]),
    ],
)
def test_labels_that_are_no_pair_are_each_a_class_numbers_by_size_words_by_alphabet(labels, names):
    found = read([*labels, *reversed(labels)])
    assert found.classes.names == tuple(names)
    assert found.labels_N.tolist()[: len(labels)] == found.labels_N.tolist()[: len(labels) - 1 : -1]
    assert max(found.labels_N) == len(names) - 1


def test_two_other_labels_are_classes_and_the_second_is_what_a_probability_is_of():
    found = read(["rotten", "fresh", "Fresh", "rotten"])
    assert found.labels_N.tolist() == [1, 0, 0, 1] and found.classes.names == ("fresh", "rotten")
    assert found.notes == [
        "r.csv: the two labels are the classes fresh and rotten; a probability is that of rotten"
    ]


def test_negative_and_positive_come_in_this_order_whatever_the_table_has():
    found = read(["positive", "neutral", "negative"] * 2)
    assert found.classes.names == ("negative", "neutral", "positive")
    assert found.notes == ["r.csv: each of the 3 labels is a class: negative, neutral, positive"]


def test_a_label_of_one_row_is_taken_for_a_slip():
    message = refused(["0", "1", "0", "1", "good"])
    assert message == (
        "r.csv, row 5: no other row has the label 'good' (found: 0, 1, good); mend the row, or name the "
        "labels to use: --classes 'negative=0 positive=1'"
    )
    assert "--classes 'a=a b_c=\"b c\" d=d'" in refused(["a", "b c", "d", "a", "b c", "d", "e"])


def test_more_than_fifty_labels_are_no_classes():
    assert len(read([f"l{n % 50}" for n in range(100)]).classes) == 50
    assert "51 different values are no classes, so name another column: --label COLUMN" in refused(
        [f"l{n % 51}" for n in range(102)]
    )
    assert "name another column" in refused(["a" * 101, "b"] * 2)


def test_another_split_has_the_classes_of_the_first(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na,3\nb,2\nc,3\nd,2\ne,1\nf,1\n")
    (tmp_path / "test.csv").write_text("text,label\nc,3\nd,2\n")
    assert load_reviews(DataSettings(source=str(tmp_path)))["test"].labels_N.tolist() == [2, 1]
    (tmp_path / "test.csv").write_text("text,label\nc,3\nd,4\n")
    with pytest.raises(DataError, match="the classes are 1, 2, 3, so say which labels are which"):
        load_reviews(DataSettings(source=str(tmp_path)))


@pytest.mark.parametrize("label", [-1, "-1", 4, "4", "good"])
def test_half_of_a_pair_is_not_guessed(label):
    """-1 may mean that there is no label, 4 may be one of five stars."""
    message = refused([label, label])
    assert "a model needs two classes or more, so say which labels are negative and positive" in message


def test_stars_are_refused_by_a_run_of_two_classes_with_the_line_to_copy():
    message = refused(["5", "1", "3", "2", "4"], settings=judged({}))
    assert message == (
        "r.csv, row 1: the label is '5' (found: 1, 2, 3, 4, 5); the classes are negative and positive, so "
        "say which labels are which: --classes 'negative=1,2 positive=4,5'"
    )


def test_a_run_of_other_classes_knows_its_own_names_and_labels_and_no_pair():
    classes = Classes(("bad", "fair", "good"), {"1": "bad", "2": "fair", "3": "good"})
    settings = DataSettings().for_another_table(OwnTable(classes=classes))
    assert classes_of(["1", "3", "2"], settings=settings) == [0, 2, 1]
    assert classes_of(["Good", "bad", "1"], settings=settings) == [2, 0, 0]
    for labels in ([0, 1], ["neg", "pos"], ["good", "poor"]):
        message = refused(labels, settings=settings)
        assert "the classes are bad, fair, good, so say which labels are which" in message
        assert message.endswith("--classes 'bad=LABEL fair=LABEL good=LABEL'")


@pytest.mark.parametrize(
    ("labels", "spec"),
    [
        (["1", "2"], "'negative=1 positive=2'"),
        (["neutral", "Positive", "Negative"], "'negative=Negative positive=Positive'"),
        ([str(n) for n in range(1, 11)], "'negative=1,2,3,4 positive=7,8,9,10'"),
        (["so, so", "not bad"], """'negative="not bad" positive="so, so"'"""),
        (["a", "b", "c"], "'negative=LABEL,LABEL positive=LABEL'"),
        ([f"{n / 7:.3f}" for n in range(51)], None),
    ],
)
def test_a_suggestion_can_be_copied(labels, spec):
    assert suggest_classes(labels) == ("--label COLUMN" if spec is None else f"--classes {spec}")


def test_a_label_that_is_not_a_number_leaves_numbers_in_order():
    for first in range(10, 60):  # a set has them in an order of its own
        one, two, three, four = map(str, range(first, first + 4))
        found = suggest_classes(["NaN", four, one, three, two])
        assert found == f"--classes 'negative={one},{two} positive={three},{four}'"


def test_classes_map_labels_and_leave_the_others_out_and_count_them():
    spec = "negative=1,2 positive=4,5"
    found = read([1, "2", 3.0, " 4", "5.0", 3], classes=spec)
    assert found.labels_N.tolist() == [0, 0, 1, 1]
    assert found.texts == ["take 0", "take 1", "take 3", "take 4"]
    assert found.notes == ["r.csv: left out 2 of 6 rows with other labels: 3 (2)"]
    assert found.classes.of_label == {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}


def test_a_file_without_any_of_the_classes_is_refused():
    assert "holds no usable reviews" in refused(["a", "b"], classes="negative=1 positive=2")


# --- declared names ------------------------------------------------------------------------------------


def test_declared_names_decide_and_not_the_numbers():
    assert classes_of([0, 1, 1], ["neg", "pos"]) == [0, 1, 1]
    found = read([0, 1, 1], ["Positive", "Negative"])
    assert found.labels_N.tolist() == [1, 0, 0]
    assert found.notes == ["r.csv: 0 is declared as Positive and 1 as Negative"]


def test_declared_classes_count_even_if_no_row_has_them():
    found = read([0, 2, 0], ["negative", "neutral", "positive"])
    assert found.classes.names == ("negative", "neutral", "positive")
    assert found.labels_N.tolist() == [0, 2, 0]


def test_declared_names_are_classes_in_their_order():
    found = read([0, 1, 2], ["World", "Business", "Arts"])
    assert found.classes.names == ("World", "Business", "Arts") and found.labels_N.tolist() == [0, 1, 2]


def test_a_number_below_zero_is_no_label_where_more_names_are_declared():
    assert "row 2: there is no label" in refused([0, -1, 1, 2], ["a", "b", "c"])


def test_classes_give_declared_labels_by_name_or_by_number():
    names = ["1 star", "2 stars", "3 stars"]
    assert classes_of([0, 2, 1], names, classes='negative="1 star" positive="3 stars"') == [0, 1]
    assert classes_of([0, 2, 1], names, classes="negative=0 positive=2") == [0, 1]


def test_a_number_that_no_name_is_declared_for_is_no_label():
    assert "row 2: there is no label" in refused([0, -1, 1], ["neg", "pos"])


@pytest.mark.parametrize("layout", ["hub", "parquet"])
def test_a_parquet_file_that_declares_0_as_positive_is_read_by_name(tmp_path, layout):
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["positive", "negative"])
    )
    rows = [{"text": f"take {n}", "label": n % 2} for n in range(6)]
    path = tmp_path / ("data/train-00000-of-00001.parquet" if layout == "hub" else "r.parquet")
    path.parent.mkdir(exist_ok=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    source = tmp_path if layout == "hub" else path
    assert load_reviews(DataSettings(source=str(source)))["train"].labels_N.tolist() == [1, 0] * 3


# --- one source, and the run that judges another -------------------------------------------------------


def test_all_splits_of_a_source_have_the_same_pair(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na,0\nb,4\n")
    (tmp_path / "test.csv").write_text("text,label\nc,4\nd,4\n")
    assert load_reviews(DataSettings(source=str(tmp_path)))["test"].labels_N.tolist() == [1, 1]
    (tmp_path / "test.csv").write_text("text,label\nc,1\nd,0\n")
    source = ReviewSource(DataSettings(source=str(tmp_path)))
    source.read("train")
    with pytest.raises(DataError, match="the classes are negative and positive, so say which labels"):
        source.read("test")


def judged(known, leaves_labels_out=False, **keys):
    own = OwnTable(classes=Classes(of_label=known), leaves_labels_out=leaves_labels_out)
    return DataSettings().for_another_table(own, **keys)


def test_a_run_knows_the_labels_it_was_trained_with_and_the_usual_ones():
    settings = judged({"0": "negative", "4": "positive"})
    assert classes_of(["4", "4"], settings=settings) == [1, 1]
    assert classes_of(["0", "1"], settings=settings) == [0, 1]
    assert classes_of(["neg", "pos"], settings=settings) == [0, 1]
    assert "the classes are negative and positive" in refused(["0", "2", "4"], settings=settings)


def test_a_run_of_stars_judges_stars():
    stars = {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}
    settings = judged(stars, leaves_labels_out=True)
    found = read(["1", "5", "3", "2"], settings=settings)
    assert found.labels_N.tolist() == [0, 1, 0]
    assert "left out 1 of 4 rows with other labels: 3 (1)" in found.notes[-1]
    assert classes_of(["0", "1"], settings=settings) == [0, 1]
    assert classes_of(["5", "1"], settings=judged(stars, classes="negative=5 positive=1")) == [0, 1]


def test_a_label_that_means_something_else_than_in_the_run_is_said():
    settings = judged({"1": "negative", "2": "positive"}, leaves_labels_out=True)
    assert read(["1", "2"], settings=settings).notes == [
        "r.csv: of the labels, negative is 1 and positive is 2"
    ]
    assert read(["0", "1"], settings=settings).notes == [
        "r.csv: of the labels, negative is 0 and positive is 1"
    ]


def test_labels_of_a_table_to_predict_are_read_as_far_as_they_are_known():
    assert read_known_labels(["pos", None, "neg"], judged({})) == ["positive", None, "negative"]
    assert read_known_labels(["1", "5", "3"], judged({})) == [None, None, None]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        (float("nan"), None),
        (2.5, "2.5"),
        ("01", "01"),
        (b"0", "b'0'"),
    ],
)
def test_a_label_as_it_is_compared(value, key):
    assert label_key(value) == key
