"""The value of --classes: labels of two classes, quoted as in csv."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.config.classes import Classes, parse_classes, quote_label


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
    assert parse_classes(spec) == Classes(of_label=classes)


def test_other_classes_keep_their_order():
    assert parse_classes("good=3 bad=1,2") == Classes(("good", "bad"), {"3": "good", "1": "bad", "2": "bad"})
    assert parse_classes("positive=1 negative=0 neutral=2").names == ("positive", "negative", "neutral")
    assert len(parse_classes(" ".join(f"c{n}={n}" for n in range(50)))) == 50


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("1,2", "Must have the form"),
        ("negative=1 positive", "Must have the form"),
        ('negative="1 positive=2', "Must have the form"),
        ("negative=1,,2 positive=3", "Must have the form"),
        ("negative=1", "Must name 2 to 50 classes"),
        (" ".join(f"c{n}={n}" for n in range(51)), "Must name 2 to 50 classes"),
        ("negative=1 negative=2 positive=3", "Has the class negative twice"),
        ("negative=1,2 positive=2", "Has the label 2 twice"),
        ("negative=" + '""' * 4_000 + '" x', "Must have the form"),  # cut in 2^4000 ways
        ("x" * 10_001, "Must have at most 10,000 characters"),
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
    spec = " ".join(
        f"{name}=" + ",".join(quote_label(one) for one in labels if classes[one] == name)
        for name in ("negative", "positive")
    )
    assert parse_classes(spec) == Classes(of_label=classes)
