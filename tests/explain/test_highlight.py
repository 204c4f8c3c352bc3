"""What a person sees of an explanation: within 80 columns, with and without colour, and safe as a page."""

import io
import re

import pytest
from rich.console import Console

from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore
from sentiment.explain.highlight import (
    as_html,
    html_page,
    notes,
    print_explanation,
    print_legend,
    token_strengths,
)
from sentiment.inference.predictor import Prediction


def explanation_of(*tokens: TokenScore, **details: object) -> Explanation:
    """One sentence of the given tokens."""
    total = sum(token.contribution or 0 for token in tokens)
    values: dict[str, object] = {
        "prediction": Prediction("positive", 0.9, len(tokens), 0.0, False),
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


def printed(explanation: Explanation, **console: object) -> str:
    file = io.StringIO()
    print_explanation(explanation, Console(file=file, width=80, **console))  # type: ignore[arg-type]
    return file.getvalue()


def test_strengths_are_shares_of_the_largest_contribution() -> None:
    assert token_strengths(MIXED) == [1.0, 0.0, -0.15, -0.75, 0.0, 0.0]
    weak = explanation_of(TokenScore("so", 0.2, True), TokenScore("what", -0.01, True))
    assert token_strengths(weak) == [0.5, 0.0]  # nothing is painted in full that hardly counts


def test_without_colour_signs_tell_the_side_and_the_strength() -> None:
    text = printed(MIXED)
    assert "Great(+++) film,(-) dull(---) <b>zyx</b>(?) unread" in text
    assert "\x1b" not in text
    assert text.startswith(" +0.30 ")


def test_no_color_on_a_terminal_underlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(MIXED, force_terminal=True, color_system="256")
    assert "Great(+++)" in text and "\x1b[4m" in text
    assert not re.search(r"\x1b\[[\d;]*[34]8;", text)


def test_colours_replace_signs() -> None:
    text = printed(MIXED, force_terminal=True, color_system="256")
    assert "(+" not in text and re.search(r"\x1b\[[\d;]+mGreat\x1b\[0m film", text)


def test_lines_fit_80_columns() -> None:
    long = explanation_of(
        *[TokenScore(f"word{n} ", n / 100, True) for n in range(80)], TokenScore("x" * 300, 3.0, True)
    )
    for console in ({}, {"force_terminal": True, "color_system": "256"}):
        plain = re.sub(r"\x1b\[[\d;]*m", "", printed(long, **console))
        assert max(map(len, plain.splitlines())) <= 80


def test_lines_end_where_their_words_end() -> None:
    assert all(line == line.rstrip() for line in printed(MIXED).splitlines())


def test_what_rounds_to_nothing_is_not_negative() -> None:
    assert printed(explanation_of(TokenScore("so", -0.001, True))).startswith(" +0.00 so")


def test_the_notes_say_how_the_logit_adds_up() -> None:
    (line,) = notes(MIXED)
    assert line == "logit +0.40: +0.10 with every word unknown, +0.30 from its words"
    doubtful = notes(explanation_of(TokenScore("x", 0.1, True), doubts=["too short"]))
    assert doubtful[-1] == "doubt: too short"


def test_the_readouts_own_view_names_its_tokens() -> None:
    tokens = [TokenScore(f"w{n} ", 0.1, True) for n in range(4)]
    own = notes(explanation_of(*tokens, attention=[0.1, 0.6, 0.3, 0.0]))[1]
    assert own.startswith("most attention on w1 (0.60), w2 (0.30)")
    segments = notes(explanation_of(*tokens, tokens_per_position=2, position_logits=[0.5, -2.0]))[1]
    assert segments == "largest logits of single tokens: w2 w3 (-2.00), w0 w1 (0.50)"


def test_html_escapes_and_marks() -> None:
    html = as_html(MIXED)
    assert '<mark class="for" style="--strength:1.00" title="+2.00">Great</mark> film' in html
    assert '<mark class="against" style="--strength:0.75" title="-1.50">dull</mark>' in html
    assert '<span class="unknown">&lt;b&gt;zyx&lt;/b&gt;</span>' in html
    assert '<span class="cut">unread</span>' in html


def test_a_page_is_whole_and_asks_for_nothing() -> None:
    page = html_page([MIXED, explanation_of(TokenScore("<script>alert(1)</script>", 1.0, True))])
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("<article>") == 2 and "<script" not in page
    assert not re.search(r"(?:src|href)=|url\(|@import", page)


def test_a_page_names_the_right_label_where_it_is_known() -> None:
    page = html_page([MIXED, MIXED], [None, "negative"])
    assert "<h2>1. positive, probability 0.900</h2>" in page
    assert "<h2>2. positive, probability 0.900, labelled negative</h2>" in page


def test_the_legend_explains_the_marks_that_were_printed() -> None:
    for console, words in (
        ({}, "(+) speaks for"),
        ({"force_terminal": True, "color_system": "256"}, "green speaks"),
    ):
        file = io.StringIO()
        print_legend(Console(file=file, width=80, **console))  # type: ignore[arg-type]
        plain = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
        assert words in plain and plain.count("\n") == 2  # nothing had to be broken


def test_nothing_in_a_review_steers_the_terminal() -> None:
    hostile = explanation_of(TokenScore("\x1b[2J\x9b31m\u202ebad\u200d ", 1.0, True))
    for console in ({}, {"force_terminal": True, "color_system": "256"}):
        text = printed(hostile, **console)
        assert "[2J" in text and "\x1b[2J" not in text
        assert not {"\x9b", "\u202e"} & set(text)


def test_sixteen_colours_are_too_few() -> None:
    assert "Great(+++)" in printed(MIXED, force_terminal=True, color_system="standard")
