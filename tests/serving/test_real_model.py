"""The shipped model behind an address: the same answers as without one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import sentiment
from sentiment.runs import SHIPPED
from sentiment.serving.limits import DEFAULT_LIMITS

REVIEWS = [
    "A delight.",
    "The plot is thin, but I loved every minute. " * 60,
    "Dull, dull, dull!",
    "\u00e9tait \U0001f600",
]


@pytest.fixture(scope="module")
def model():
    return sentiment.load(threads=1)


def test_the_answers_are_those_of_predict(serve_model, model):
    expected = model.predict(REVIEWS)
    limits = replace(DEFAULT_LIMITS, answer_seconds=120)
    with serve_model(model, limits) as client:
        status, answer = client.predict({"texts": REVIEWS})
        alone = [client.predict({"text": text})[1]["predictions"][0] for text in REVIEWS]
    assert status == 200
    for found in (answer["predictions"], alone):
        for one, wanted in zip(found, expected, strict=True):
            assert one["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-5)
            assert one["confidence"] == pytest.approx(wanted.confidence, abs=1e-5)
            assert [one[key] for key in ("label", "tokens", "cut", "doubt")] == [
                wanted.label,
                wanted.tokens,
                wanted.cut,
                wanted.doubt,
            ]


def test_many_requests_at_once_get_their_own_answers(serve_model, model):
    """Three threads score pieces of the large requests at the same time."""
    requests = [[f"Film {n}, take {take}: {REVIEWS[take % 3]}" for take in range(40 * n)] for n in (1, 2, 3)]
    requests += [[f"Alone {n}: {REVIEWS[n % 3]}"] for n in range(12)]
    expected = [model.predict(texts) for texts in requests]
    limits = replace(DEFAULT_LIMITS, answer_seconds=120)
    with serve_model(model, limits, threads=3) as client, ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda texts: client.predict({"texts": texts})[1], requests))
    for answer, wanted in zip(answers, expected, strict=True):
        found = [one["probabilities"]["positive"] for one in answer["predictions"]]
        assert found == pytest.approx([one.probability for one in wanted], abs=1e-5)


def test_an_explanation_adds_up_and_keeps_the_text(serve_model, model):
    text = "The plot is thin, but I loved it."
    with serve_model(model, replace(DEFAULT_LIMITS, answer_seconds=120)) as client:
        _, answer = client.predict({"text": text, "explain": True})
    found = answer["predictions"][0]["explanation"]
    assert "".join(token["text"] for token in found["tokens"]) == text
    total = found["base"] + sum(token["contribution"] for token in found["tokens"])
    assert total == pytest.approx(found["logit"], abs=0.1)
    assert any(token["strength"] > 0.5 for token in found["tokens"])


def test_the_model_is_named_with_hash_and_classes(model):
    from sentiment.serving.model_facts import describe_model

    found = describe_model(SHIPPED, model)
    assert found["name"] == "shipped model" and len(found["hash"]) == 64
    assert found["classes"] == ["negative", "positive"] and found["trained_on"] == 25_000
    assert found["figures"] is None  # it was trained on every review
