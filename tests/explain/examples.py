"""Explanations made by hand, for the tests of pages and terminals."""

from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore
from sentiment.inference.predictor import Prediction


def explanation_of(*tokens: TokenScore, **details: object) -> Explanation:
    """One sentence of the given tokens."""
    total = sum(token.contribution or 0 for token in tokens)
    values: dict[str, object] = {
        "explained_class": "positive",
        "prediction": Prediction("positive", {"negative": 0.1, "positive": 0.9}, len(tokens), 0.0, False),
        "logit": 0.1 + total,
        "base": 0.1,
        "rest": 0.0,
        "tokens": list(tokens),
        "sentences": [SentenceScore(0, len(tokens), total)],
        "doubts": [],
        "tokens_per_position": 1,
        "attention": None,
        "position_logits": None,
    }
    return Explanation(**(values | details))  # type: ignore[arg-type]


MIXED = explanation_of(
    TokenScore("Great ", 2.0, True),
    TokenScore("film", 0.1, True),
    TokenScore(", ", -0.3, True),
    TokenScore("dull ", -1.5, True),
    TokenScore("<b>zyx</b> ", 0.0, False),
    TokenScore("unread", None, True),
)
