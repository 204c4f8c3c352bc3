"""One way to say a prediction: the label and how sure the model is of it."""

import pytest

from sentiment.inference.predictor import Prediction
from sentiment.inference.wording import confidence_percent, label_and_confidence


def prediction(label: str, probability: float) -> Prediction:
    probabilities = {"negative": 1 - probability, "positive": probability}
    return Prediction(label=label, probabilities=probabilities, tokens=9, unknown=0.0, cut=False)


@pytest.mark.parametrize(
    ("label", "probability", "words"),
    [
        ("negative", 0.004, "negative, 99.6% sure"),
        ("positive", 0.989, "positive, 98.9% sure"),
        ("negative", 0.5, "negative, 50.0% sure"),
        ("positive", 0.43, "positive, 43.0% sure"),  # with --threshold 0.4
        ("negative", 0.7, "negative, 30.0% sure"),  # with --threshold 0.8
    ],
)
def test_the_words_name_the_label_and_its_own_probability(label, probability, words):
    assert label_and_confidence(prediction(label, probability)) == words


@pytest.mark.parametrize(
    ("probability", "percent"),
    [(0.9996, "99.9%"), (0.99996, "99.9%"), (1 - 2**-53, "99.9%"), (1.0, "100.0%")],
)
def test_only_certainty_is_shown_as_100_percent(probability, percent):
    assert confidence_percent(prediction("positive", probability)) == percent
    assert confidence_percent(prediction("negative", 1 - probability)) == percent


@pytest.mark.parametrize(
    ("label", "probability", "words"),
    [("unreadable", 0.552, "unreadable, positive at 55.2%"), ("unsure", 0.43, "unsure, negative at 57.0%")],
)
def test_without_a_class_the_words_name_the_likelier_one(label, probability, words):
    assert label_and_confidence(prediction(label, probability)) == words
