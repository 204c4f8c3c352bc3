"""The rules for doubting a prediction: when a review is unreadable, and why not to trust a label."""

from collections.abc import Mapping, Sequence

from sentiment.data.words import WordCount
from sentiment.inference.scoring import logit
from sentiment.runs.decision import DEFAULT_THRESHOLD, Decision

SEPARATOR = "; "  # no doubt holds it
FEW_WORDS = 5
HIGH_UNKNOWN_SHARE = 0.2
NEAR_THRESHOLD = 0.62
"""In logits: probabilities from 0.35 to 0.65 are near a threshold of 0.5."""


def is_unreadable(words: WordCount) -> bool:
    """Return whether the model knows none of a review's words, or next to none.

    Unknown words speak against it, common ones for it, and others for nothing: foreign texts share rare words
    with a vocabulary, such as `le` in the names of films. A function word of another language counts against
    it once more. Chosen on made-up texts in seven languages and on sentences of IMDB.
    """
    return words.known == 0 or words.words - words.known + words.foreign > words.common + 1


def find_doubts(
    probabilities: Mapping[str, float], words: WordCount, unknown: float, decision: Decision
) -> list[str]:
    """List in words why not to trust a prediction.

    `probabilities` are those of the classes in their order, `unknown` is the share of unknown tokens.
    """
    doubts = []
    if words.known == 0:
        doubts.append("no known word")
    elif is_unreadable(words):
        language = ", perhaps in another language" if words.foreign else ""
        doubts.append(f"hardly read: {words.known} of {words.words} words known{language}")
    elif words.known < FEW_WORDS:
        doubts.append("too short")
    elif unknown > HIGH_UNKNOWN_SHARE:
        doubts.append(f"{unknown:.0%} of the words unknown")
    return doubts + _doubt_label(probabilities, decision)


def join_doubts(doubts: Sequence[str]) -> str:
    """Return doubts as the `doubt` of a prediction."""
    return SEPARATOR.join(doubts)


def split_doubt(doubt: str) -> list[str]:
    """Return the doubts of a prediction one by one."""
    return doubt.split(SEPARATOR) if doubt else []


def _doubt_label(probabilities: Mapping[str, float], decision: Decision) -> list[str]:
    """List why another label is almost as good."""
    if len(probabilities) > 2:
        first, second = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:2]
        odds = probabilities[first] / (probabilities[first] + probabilities[second])
        return [f"{second} is almost as likely"] if _is_near(odds, DEFAULT_THRESHOLD) else []
    probability = list(probabilities.values())[1]
    if _is_near(probability, decision.threshold):
        return ["near the threshold"]
    if decision.is_unsure(probability):
        return [f"in the range {decision.range_text} of --unsure"]
    return []


def _is_near(probability: float, threshold: float) -> bool:
    return probability == threshold or abs(logit(probability) - logit(threshold)) < NEAR_THRESHOLD
