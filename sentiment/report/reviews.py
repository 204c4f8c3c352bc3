"""Prepare reviews for a page: an excerpt, the doubts and the marked text, each of bounded size."""

from dataclasses import dataclass, replace

from sentiment.evaluation.judge import JudgedReview
from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore
from sentiment.explain.page import review_html
from sentiment.inference.wording import label_and_confidence
from sentiment.report.facts import ExplainedReview

REVIEW_CHARACTERS = 24_000
"""Of HTML for one review. Forty reviews of this size and the charts stay well below 2 MB."""
EXCERPT_CHARACTERS = 160
TOKEN_CHARACTERS = 60


@dataclass(frozen=True)
class ShownReview:
    """A review as the page shows it."""

    review: JudgedReview
    is_correct: bool
    verdict: str
    """Predicted label and confidence."""
    excerpt: str
    """The sentence that speaks most for the predicted label."""
    doubts: list[str]
    html: str
    """The text with its tokens marked."""


def prepare_review(explained: ExplainedReview) -> ShownReview:
    """Prepare a review for the page."""
    review, explanation = explained.review, explained.explanation
    return ShownReview(
        review=review,
        is_correct=review.label == review.prediction.label,
        verdict=label_and_confidence(review.prediction),
        excerpt=choose_excerpt(explanation, review.prediction.label == explanation.explained_class),
        doubts=explanation.doubts,
        html=bounded_review_html(explanation),
    )


def choose_excerpt(explanation: Explanation, speaks_for: bool) -> str:
    """Return the start of the sentence that speaks most for the explained class, or against it."""
    sign = 1 if speaks_for else -1
    best = max(explanation.sentences, key=lambda sentence: sign * (sentence.contribution or 0))
    text = "".join(token.text for token in explanation.tokens[best.start : best.stop]).strip()
    return text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS].rstrip() + " …"


def bounded_review_html(explanation: Explanation) -> str:
    """Return the marked review; a long one loses tokens from its middle until it fits the limit."""
    kept = len(explanation.tokens)
    html = review_html(_shorten_review(explanation, kept))
    while len(html) > REVIEW_CHARACTERS and kept > 1:
        kept = kept * 3 // 4
        html = review_html(_shorten_review(explanation, kept))
    return html


def _shorten_review(explanation: Explanation, kept: int) -> Explanation:
    """Keep the first and last tokens, shorten endless ones, and say how many are left out."""
    head = (kept + 1) // 2
    tail = len(explanation.tokens) - (kept - head)
    tokens: list[TokenScore] = []
    sentences: list[SentenceScore] = []
    for sentence in explanation.sentences:
        start = len(tokens)
        for place in range(sentence.start, sentence.stop):
            token = explanation.tokens[place]
            if place < head or place >= tail:
                tokens.append(replace(token, text=_shorten_token(token.text)))
            elif place == head:
                tokens.append(TokenScore(f"[… {tail - head:,} tokens are not shown …] ", None, True))
        if len(tokens) > start:
            sentences.append(SentenceScore(start, len(tokens), sentence.contribution))
    return replace(explanation, tokens=tokens, sentences=sentences)


def _shorten_token(text: str) -> str:
    return text if len(text) <= TOKEN_CHARACTERS else text[:TOKEN_CHARACTERS] + "… "
