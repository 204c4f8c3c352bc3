"""Explanations add up to the logit, show the whole text, and list reasons for doubt."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sentiment
from sentiment.data.text import why_unreadable
from sentiment.data.text_rules import TextRules, normalise
from sentiment.errors import DataError
from sentiment.explain.explanation import Explanation, explain_reviews
from sentiment.inference.predictor import Predictor

REVIEW = "I expected little. This film is not terrible, it's great!<br /><br />See it, Dr. Smith."


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    """The shipped model: an LSTM with n-gram evidence."""
    return sentiment.load(device="cpu", threads=1)


@pytest.fixture(scope="module")
def review(shipped: Predictor) -> Explanation:
    (explanation,) = explain_reviews(shipped, [REVIEW])
    return explanation


def test_everything_adds_up_to_the_logit(shipped: Predictor, review: Explanation) -> None:
    contributions = sum(token.contribution or 0 for token in review.tokens)
    assert review.base + contributions + review.rest == pytest.approx(review.logit, abs=1e-5)
    assert abs(review.rest) < 0.02
    assert review.prediction == shipped.predict([REVIEW])[0]
    assert sum(sentence.contribution or 0 for sentence in review.sentences) == pytest.approx(contributions)


def test_the_tokens_make_up_the_whole_text(review: Explanation) -> None:
    assert "".join(token.text for token in review.tokens) == normalise(REVIEW, TextRules())
    assert [sentence.start for sentence in review.sentences] == [0, 4, 14]
    assert review.sentences[-1].stop == len(review.tokens)


def test_praise_raises_the_logit_and_complaint_lowers_it(review: Explanation) -> None:
    scores = {token.text.strip(): token.contribution or 0 for token in review.tokens}
    assert scores["great"] > 0.2 > 0 > scores["terrible"]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(
        lambda text: not why_unreadable(text)
    )
)
def test_any_text_is_explained_token_by_token(shipped: Predictor, text: str) -> None:
    (explanation,) = explain_reviews(shipped, [text])
    rules = TextRules.of(shipped.config.text)
    assert "".join(token.text for token in explanation.tokens) == normalise(text, rules)
    assert len(explanation.tokens) == explanation.prediction.tokens
    assert explanation.sentences[-1].stop == len(explanation.tokens)


def test_a_cut_token_has_no_contribution(shipped: Predictor) -> None:
    text = "Good start. " + "It goes on and on, and nobody knows why. " * 60 + "Bad end."
    (explanation,) = explain_reviews(shipped, [text])
    read = [token.contribution is not None for token in explanation.tokens]
    limits = shipped.config.text
    assert (
        read
        == [True] * limits.head + [False] * (len(read) - limits.head - limits.tail) + [True] * limits.tail
    )
    assert explanation.prediction.cut and any("longer" in doubt for doubt in explanation.doubts)
    assert None in [sentence.contribution for sentence in explanation.sentences]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("Zyzzyva", "no known word"),
        ("Good zyzzyva", "too short"),
        ("The qwrx of the zyzzyva was a grmpf of brlk, said vrrm to plimf.", "words unknown"),
    ],
)
def test_few_known_words_give_a_doubt(shipped: Predictor, text: str, doubt: str) -> None:
    (explanation,) = explain_reviews(shipped, [text])
    assert any(doubt in found for found in explanation.doubts), explanation.doubts


def test_a_probability_near_half_is_a_doubt(shipped: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "A wonderful film with superb acting. I loved every minute of it."
    monkeypatch.setattr("sentiment.inference.doubts.NEAR_THRESHOLD", 100)
    (explanation,) = explain_reviews(shipped, [text])
    assert explanation.doubts == ["near the threshold"]


def test_a_clear_review_gives_no_doubt(shipped: Predictor) -> None:
    (explanation,) = explain_reviews(
        shipped, ["A wonderful film with superb acting. I loved every minute of it."]
    )
    assert explanation.doubts == []


def test_several_reviews_come_in_their_order_and_as_if_alone(shipped: Predictor, review: Explanation) -> None:
    first, second = explain_reviews(shipped, ["Awful.", REVIEW])
    assert first.tokens[0].text == "Awful"
    alone = [token.contribution for token in review.tokens]
    assert [token.contribution for token in second.tokens] == pytest.approx(alone, abs=1e-5)


def test_a_text_that_cannot_be_read_is_named(shipped: Predictor) -> None:
    with pytest.raises(DataError, match="review 2: the text is empty"):
        explain_reviews(shipped, ["fine", "<br />"])
