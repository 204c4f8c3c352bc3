"""Texts in every form that Python users have them, and predictions as rows of a table."""

import json

import datasets
import numpy as np
import pandas
import pyarrow
import pytest

import sentiment
from sentiment.errors import DataError

TEXTS = ["This film is not terrible, it's great!", "A dull, endless mess."]


@pytest.fixture(scope="module")
def model():
    return sentiment.load(threads=1)


FORMS = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "dict's values": lambda texts: dict(enumerate(texts)).values(),
    "array of str": np.array,
    "array of objects": lambda texts: np.array(texts, dtype=object),
    "Series": pandas.Series,
    "Series with another index": lambda texts: pandas.Series(texts, index=[7, 3]),
    "Series of strings": lambda texts: pandas.Series(texts, dtype="string"),
    "Categorical": lambda texts: pandas.Series(texts, dtype="category"),
    "pyarrow": pyarrow.array,
    "pyarrow chunks": lambda texts: pyarrow.chunked_array([texts[:1], texts[1:]]),
    "datasets": lambda texts: datasets.Dataset.from_dict({"text": texts})["text"],
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_are_taken_in_every_form(model, form):
    expected = model.predict(TEXTS)
    as_form = FORMS[form]
    assert model.predict(as_form(TEXTS)) == expected
    assert list(model.predict_stream(as_form(TEXTS))) == expected
    assert model.predict_proba(as_form(TEXTS))[:, 1].tolist() == [found.probability for found in expected]
    assert [found.prediction for found in sentiment.explain_reviews(model, as_form(TEXTS))] == expected


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("good", r"\(\[review\]\)"),
        (b"good", r"\(\[review\]\)"),
        (7, r"\(\[review\]\)"),
        (None, r"\(\[review\]\)"),
        ({"text": TEXTS}, r'\(reviews\["text"\]\)'),
        (pandas.DataFrame({"text": TEXTS}), r'DataFrame\).* \w+\(table\["text"\]\)'),
        (pyarrow.table({"text": TEXTS}), r'\(table\["text"\]\)'),
        (datasets.Dataset.from_dict({"text": TEXTS}), r'\(table\["text"\]\)'),
        (np.array([TEXTS]), "2 dimensions; pass one column"),
        (np.array("good"), "0 dimensions"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) or value == "good" else "",
)
def test_anything_else_is_a_type_error_that_says_what_to_pass(model, argument, remedy):
    functions = {name: getattr(model, name) for name in ("predict", "predict_stream", "predict_proba")}
    functions["explain_reviews"] = lambda texts: sentiment.explain_reviews(model, texts)
    for name, function in functions.items():
        with pytest.raises(TypeError, match=rf"^{name} takes a list of reviews, not .*{remedy}"):
            function(argument)


@pytest.mark.parametrize("empty", [float("nan"), None, pandas.NA])
def test_an_empty_cell_is_named(model, empty):
    with pytest.raises(DataError, match="review 2: the text is"):
        model.predict(pandas.Series(["fine", empty], dtype=object))


def test_nothing_has_no_rows(model):
    assert model.predict(pandas.Series([], dtype=object)) == []
    assert model.predict_proba([]).shape == (0, 2)
    assert sentiment.explain_reviews(model, np.array([])) == []
    assert sentiment.to_dicts([]) == []


def test_predictions_make_a_table(model):
    predictions = model.predict(TEXTS)
    rows = sentiment.to_dicts(predictions)
    assert rows == [prediction.to_dict() for prediction in predictions] == json.loads(json.dumps(rows))
    table = pandas.DataFrame(rows)
    assert list(table["label"]) == ["positive", "negative"]
    assert list(sentiment.to_dicts(model.predict_stream(TEXTS))[0]) == list(table.columns)
