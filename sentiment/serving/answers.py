"""What the server answers for a review, in the words of its interface."""

from collections.abc import Sequence
from typing import Any

from sentiment.data.text import why_unusable
from sentiment.explain.explanation import Explanation, explain_reviews
from sentiment.explain.marks import explanation_notes, token_strengths
from sentiment.inference.predictor import Prediction, Predictor

Answer = dict[str, Any]


class UnusableTextError(Exception):
    """A review that cannot be predicted; the message says why."""


def answer_texts(predictor: Predictor, texts: Sequence[str], explain: bool) -> list[Answer | Exception]:
    """Answer each review; in the place of one that cannot be predicted is the reason.

    The reviews are scored together. If that fails, each is scored alone, so that none spoils the others.
    """
    flaws = [why_unusable(text) for text in texts]
    usable = [text for text, flaw in zip(texts, flaws, strict=True) if not flaw]
    found = iter(_answer_usable(predictor, usable, explain))
    return [UnusableTextError(flaw) if flaw else next(found) for flaw in flaws]


def _answer_usable(predictor: Predictor, texts: Sequence[str], explain: bool) -> list[Answer | Exception]:
    if not texts:
        return []
    try:
        if explain:
            return [explained_answer(one) for one in explain_reviews(predictor, texts)]
        return [answer(one) for one in predictor.describe(predictor.encode(texts))]
    except Exception as error:
        if len(texts) == 1:
            return [error]
        return [answer for text in texts for answer in _answer_usable(predictor, [text], explain)]


def answer(prediction: Prediction) -> Answer:
    """Return a prediction as the server answers it."""
    return {
        "label": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "tokens": prediction.tokens,
        "unknown": prediction.unknown,
        "cut": prediction.cut,
        "doubt": prediction.doubt,
    }


def explained_answer(explanation: Explanation) -> Answer:
    """Return a prediction with its explanation as the server answers it."""
    tokens = [
        {
            "text": token.text,
            "contribution": token.contribution,
            "strength": strength,
            "known": token.known,
        }
        for token, strength in zip(explanation.tokens, token_strengths(explanation), strict=True)
    ]
    sentences = [
        {"start": one.start, "stop": one.stop, "contribution": one.contribution}
        for one in explanation.sentences
    ]
    explained = {
        "explained_class": explanation.explained_class,
        "logit": explanation.logit,
        "base": explanation.base,
        "tokens": tokens,
        "sentences": sentences,
        "notes": explanation_notes(explanation),
    }
    return answer(explanation.prediction) | {"explanation": explained}
