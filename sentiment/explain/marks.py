"""Compute what the terminal and the page show of an explanation: strengths, sentence scores and notes."""

from collections.abc import Iterable, Sequence

from sentiment.data.labels import POSITIVE
from sentiment.explain.explanation import Explanation, SentenceScore

FULL_CONTRIBUTION = 0.4
"""A token that adds this much to the logit gets the full strength, unless another one adds more."""
LEVELS = (0.1, 0.3, 0.6)
"""Strengths from which a token is marked weakly, clearly and strongly."""
NAMED_POSITIONS = 5
"""How many positions are named for the weights or logits of a readout."""


def name_explained(classes: Iterable[str]) -> str:
    """Say for a legend which class the marks speak for, from the explained classes of all reviews."""
    found = set(classes)
    return found.pop() if len(found) == 1 else "the predicted class"


def token_strengths(explanation: Explanation) -> list[float]:
    """Divide contributions by the largest one of the review; weak ones and those of unread tokens become 0.

    Strengths lie in [-1, 1]; positive ones speak for the explained class.
    """
    contributions = [token.contribution or 0.0 for token in explanation.tokens]
    largest = max([FULL_CONTRIBUTION, *map(abs, contributions)])
    return [value / largest if abs(value) >= LEVELS[0] * largest else 0.0 for value in contributions]


def sentence_score(sentence: SentenceScore) -> str:
    """Return what a sentence adds to the logit as for example `+0.31`, or `cut` if it was not read."""
    if sentence.contribution is None:
        return "cut"
    return f"{round(sentence.contribution, 2) + 0.0:+.2f}"  # adding 0.0 turns -0.0 into 0.0


def explanation_notes(explanation: Explanation) -> list[str]:
    """List how the logit adds up, what the readout itself weighs most, and the doubts."""
    logit, base = explanation.logit, explanation.base
    of_class = "" if explanation.explained_class == POSITIVE else f" of {explanation.explained_class}"
    parts = f"{base:+.2f} with every word unknown, {logit - base:+.2f} from its words"
    notes = [f"logit{of_class} {logit:+.2f}: {parts}"]
    if explanation.attention is not None:
        notes.append(f"most attention on {_name_largest(explanation, explanation.attention)}")
    if explanation.position_logits is not None:
        largest = _name_largest(explanation, explanation.position_logits)
        notes.append(f"largest logits of single tokens: {largest}")
    return notes + [f"doubt: {doubt}" for doubt in explanation.doubts]


def _name_largest(explanation: Explanation, values: Sequence[float]) -> str:
    """Name the positions with the largest values by their first tokens."""
    read = [token.text.strip() for token in explanation.tokens if token.contribution is not None]
    width = explanation.tokens_per_position
    largest = sorted(range(len(values)), key=lambda position: -abs(values[position]))[:NAMED_POSITIONS]
    return ", ".join(
        f"{' '.join(read[place * width : (place + 1) * width][:3])}{' ...' if width > 3 else ''} "
        f"({values[place]:.2f})"
        for place in largest
    )
