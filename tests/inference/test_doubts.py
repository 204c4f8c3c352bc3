"""A review that the model can hardly read is called unreadable; a doubt says why not to trust a label."""

import pytest

import sentiment
from sentiment.data.words import WordCount
from sentiment.inference.doubts import find_doubts
from sentiment.runs.decision import Decision

MANY = WordCount(words=20, known=20, common=18)


def of_two(probability):
    return {"negative": 1 - probability, "positive": probability}


@pytest.fixture(scope="module")
def shipped():
    return sentiment.load(device="cpu", threads=1)


@pytest.mark.parametrize(
    "text",
    [
        "👎",
        "👍👍👍",
        "!!!",
        "Отличный фильм!",
        "Скучно, я не досмотрел до конца :(",
        "最高の映画でした。",
        "Ce film est vraiment nul, je ne le recommande pas.",
        "Le scénario est faible et les dialogues sont ridicules.",
        "La nourriture était froide et le serveur impoli.",
        "Die Schauspieler sind hervorragend und die Musik ist wunderschön.",
        "La comida estaba deliciosa y el personal fue muy amable.",
        "Le film est bon.",
        "Das Buch war langweilig.",
        "Trop long et ennuyeux.",
        "El libro era aburrido.",
    ],
)
def test_a_text_in_another_language_is_unreadable_to_the_shipped_model(shipped, text):
    (found,) = shipped.predict([text])
    assert found.label == "unreadable" and 0 < found.probability < 1
    assert "no known word" in found.doubt or "hardly read" in found.doubt


@pytest.mark.parametrize(
    "text",
    [
        "Superb.",
        "Awful",
        "meh",
        "10/10",
        ":(",
        "Loved it!!! 😍😍😍😍😍",
        "bad 👎👎👎👎",
        "Gr8 flik, luvd it",
        "Terible, just terible",
        "Soggy fries, rude waitress",
        "Tonkotsu ramen was yummy",
        "Battery died after 2 wks",
        "@united thx 4 nothing #fail",
        "Godzilla vs. Mothra",
        "Les Miserables made me cry",
        "Das Boot rocks",
        "Le Mans drags",
    ],
)
def test_a_short_review_stays_readable(shipped, text):
    (found,) = shipped.predict([text])
    assert found.label == ("positive" if found.probability > 0.5 else "negative")
    assert found.doubt


def test_a_clear_review_leaves_no_doubt(shipped):
    (found,) = shipped.predict(["A wonderful film with superb acting. I loved every minute of it."])
    assert (found.label, found.doubt) == ("positive", "")


@pytest.mark.parametrize(
    ("probability", "threshold", "is_near"),
    [
        (0.6, 0.5, True),
        (0.36, 0.5, True),
        (0.7, 0.5, False),
        (0.6, 0.9, False),
        (0.85, 0.9, True),
        (1.0, 1.0, True),
    ],
)
def test_a_probability_near_the_threshold_is_a_doubt(probability, threshold, is_near):
    doubts = find_doubts(of_two(probability), MANY, 0.0, Decision(threshold))
    assert doubts == ["near the threshold"] * is_near


def test_a_probability_that_is_unsure_but_not_near_says_why():
    assert find_doubts(of_two(0.8), MANY, 0.0, Decision(unsure=(0.1, 0.9))) == [
        "in the range 0.1:0.9 of --unsure"
    ]


def test_of_more_classes_the_second_one_is_named_if_it_is_near():
    assert find_doubts({"a": 0.2, "b": 0.45, "c": 0.35}, MANY, 0.0, Decision()) == ["c is almost as likely"]
    assert find_doubts({"a": 0.2, "b": 0.55, "c": 0.25}, MANY, 0.0, Decision()) == []


def test_few_known_words_and_a_large_unknown_share_are_doubts():
    (few,) = find_doubts(of_two(0.9), WordCount(words=3, known=2, common=2), 0.3, Decision())
    assert few == "too short"
    (share,) = find_doubts(of_two(0.9), WordCount(words=20, known=14, common=14), 0.3, Decision())
    assert share == "30% of the words unknown"
