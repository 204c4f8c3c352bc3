"""The value of --classes: labels of two classes, quoted as in csv."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config.classes import format_classes, parse_classes


@pytest.mark.parametrize(
    ("spec", "classes"),
    [
        ("", {}),
        ("negative=1,2 positive=4,5", {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}),
        ("  positive=yes   negative=no ", {"yes": "positive", "no": "negative"}),
        ('negative="very bad","so, so" positive=good', {
            "very bad": "negative", "so, so": "negative", "good": "positive",
        }),
        ('negative="a ""b""" positive=c=d', {'a "b"': "negative", "c=d": "positive"}),
    ],
)  # fmt: skip
def test_labels_are_read_with_their_class(spec, classes):
    assert parse_classes(spec) == classes


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("1,2", "Must have the form"),
        ("negative=1 positive", "Must have the form"),
        ('negative="1 positive=2', "Must have the form"),
        ("negative=1,,2 positive=3", "Must have the form"),
        ("negative=1", "Must name the two classes negative and positive"),
        ("negative=1 neutral=3 positive=5", "Must name the two classes negative and positive"),
        ("negative=1 negative=2 positive=3", "Must name the two classes"),
        ("negative=1,2 positive=2", "Has the label 2 twice"),
    ],
)
def test_anything_else_is_refused(spec, said):
    with pytest.raises(ValueError, match=said):
        parse_classes(spec)


label = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(label, min_size=2, max_size=6, unique=True))
def test_every_label_can_be_written_and_read_again(labels):
    classes = {one: ("negative", "positive")[n % 2] for n, one in enumerate(labels)}
    assert parse_classes(format_classes(classes)) == classes
