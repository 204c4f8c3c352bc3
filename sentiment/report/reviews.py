"""Reviews as a page shows them: the verdict, what counts most, the text marked and bounded."""

from dataclasses import dataclass, replace

from sentiment.evaluation.judge import JudgedReview
from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore
from sentiment.explain.page import review_html
from sentiment.report.facts import ExplainedReview

REVIEW_CHARACTERS = 24_000
"""Of HTML for one review: forty of them and the charts stay well below 2 MB whatever the reviews are."""
EXCERPT_CHARACTERS = 160
TOKEN_CHARACTERS = 60


@dataclass(frozen=True)
class ShownReview:
    """A review as the page shows it."""

    review: JudgedReview
    is_right: bool
    confidence: float
    """Probability of what was predicted."""
    excerpt: str
    """The sentence that speaks most for what was predicted."""
    doubts: list[str]
    html: str
    """The text with its tokens marked."""


def show(explained: ExplainedReview) -> ShownReview:
    """Prepare a review for the page."""
    review, explanation = explained.review, explained.explanation
    return ShownReview(
        review,
        review.label == review.prediction.label,
        max(review.prediction.probability, 1 - review.prediction.probability),
        excerpt(explanation),
        explanation.doubts,
        fitting_html(explanation),
    )


def excerpt(explanation: Explanation) -> str:
    """The start of the sentence that speaks most for what was predicted."""
    sign = 1 if explanation.prediction.label == "positive" else -1
    best = max(explanation.sentences, key=lambda sentence: sign * (sentence.contribution or 0))
    text = "".join(token.text for token in explanation.tokens[best.start : best.stop]).strip()
    return text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS].rstrip() + " …"


def fitting_html(explanation: Explanation) -> str:
    """The marked review, without tokens from its middle where it would take too much of the page."""
    kept = len(explanation.tokens)
    html = review_html(_shorten(explanation, kept))
    while len(html) > REVIEW_CHARACTERS and kept > 1:
        kept = kept * 3 // 4
        html = review_html(_shorten(explanation, kept))
    return html


def _shorten(explanation: Explanation, kept: int) -> Explanation:
    """Keep the first and last tokens, each at a readable length; say how many are left out."""
    head = (kept + 1) // 2
    tail = len(explanation.tokens) - (kept - head)
    tokens: list[TokenScore] = []
    sentences: list[SentenceScore] = []
    for sentence in explanation.sentences:
        start = len(tokens)
        for place in range(sentence.start, sentence.stop):
            token = explanation.tokens[place]
            if place < head or place >= tail:
                tokens.append(replace(token, text=_clip(token.text)))
            elif place == head:
                tokens.append(TokenScore(f"[… {tail - head:,} tokens are not shown …] ", None, True))
        if len(tokens) > start:
            sentences.append(SentenceScore(start, len(tokens), sentence.contribution))
    return replace(explanation, tokens=tokens, sentences=sentences)


def _clip(text: str) -> str:
    return text if len(text) <= TOKEN_CHARACTERS else text[:TOKEN_CHARACTERS] + "… "
