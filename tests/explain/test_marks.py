"""Strengths and notes follow from the contributions."""

from sentiment.explain.explanation import TokenScore
from sentiment.explain.marks import explanation_notes, token_strengths
from tests.explain.examples import MIXED, explanation_of


def test_strengths_are_shares_of_the_largest_contribution() -> None:
    assert token_strengths(MIXED) == [1.0, 0.0, -0.15, -0.75, 0.0, 0.0]
    weak = explanation_of(TokenScore("so", 0.2, True), TokenScore("what", -0.01, True))
    assert token_strengths(weak) == [0.5, 0.0]  # a small contribution never gets the full strength


def test_the_notes_say_how_the_logit_adds_up() -> None:
    (line,) = explanation_notes(MIXED)
    assert line == "logit +0.40: +0.10 with every word unknown, +0.30 from its words"
    doubtful = explanation_notes(explanation_of(TokenScore("x", 0.1, True), doubts=["too short"]))
    assert doubtful[-1] == "doubt: too short"


def test_the_readouts_own_view_names_its_tokens() -> None:
    tokens = [TokenScore(f"w{n} ", 0.1, True) for n in range(4)]
    own = explanation_notes(explanation_of(*tokens, attention=[0.1, 0.6, 0.3, 0.0]))[1]
    assert own.startswith("most attention on w1 (0.60), w2 (0.30)")
    segments = explanation_notes(explanation_of(*tokens, tokens_per_position=2, position_logits=[0.5, -2.0]))[
        1
    ]
    assert segments == "largest logits of single tokens: w2 w3 (-2.00), w0 w1 (0.50)"
