"""The options that decide which label a probability gets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sentiment.cli.options import parse_probability
from sentiment.data.text import shorten
from sentiment.errors import UsageError
from sentiment.system.console import say

if TYPE_CHECKING:
    from sentiment.runs.decision import Decision

ThresholdOption = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="P",
        help="A review is positive (the second of two classes) above this probability; 0.5, or what eval "
        "--keep has kept.",
    ),
]
UnsureOption = Annotated[
    str | None,
    typer.Option("--unsure", metavar="LOW:HIGH", help="Label probabilities in this range unsure."),
]


def parse_threshold(given: str | None) -> float | None:
    """Return the probability of `--threshold`; raises UsageError if it is none."""
    return None if given is None else parse_probability(given, "--threshold takes a probability")


def parse_range(given: str | None) -> tuple[float, float] | None:
    """Return the lowest and the highest probability of `--unsure`; raises UsageError if it is no range."""
    if given is None:
        return None
    low_text, colon, high_text = given.partition(":")
    if not colon:
        raise UsageError(f"--unsure takes two probabilities such as 0.35:0.65, not {shorten(given)}")
    low, high = (
        parse_probability(text, "--unsure takes two probabilities") for text in (low_text, high_text)
    )
    if low > high:
        raise UsageError(f"--unsure {shorten(given)} has its lower end last; type --unsure {high:g}:{low:g}")
    return low, high


def choose_decision(
    class_names: Sequence[str],
    kept: "Decision",
    threshold: float | None,
    unsure: tuple[float, float] | None,
) -> "Decision":
    """Return the decision of the options; without a threshold the one that is `kept`, and say so.

    Raises UsageError if the options need two classes and the run has more.
    """
    from sentiment.runs.decision import DECISION_FILE, DEFAULT_THRESHOLD, Decision, require_two_classes

    for option, value in (("--threshold", threshold), ("--unsure", unsure)):
        if value is not None:
            require_two_classes(class_names, option)
    if threshold is None and kept.threshold != DEFAULT_THRESHOLD:
        say(f"using the threshold {kept.threshold:.4g} that was kept in {DECISION_FILE}")
    return Decision(kept.threshold if threshold is None else threshold, unsure)
