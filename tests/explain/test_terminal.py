"""Explanations in a terminal: at most 80 columns, with and without colour, and safe."""

import io
import re

import pytest
from rich.console import Console

from sentiment.explain.explanation import Explanation, TokenScore
from sentiment.explain.terminal import print_explanation, print_legend
from tests.explain.examples import MIXED, explanation_of


def printed(explanation: Explanation, width: int = 80, **console: object) -> str:
    file = io.StringIO()
    print_explanation(explanation, Console(file=file, width=width, **console))  # type: ignore[arg-type]
    return file.getvalue()


def test_without_colour_signs_show_direction_and_strength() -> None:
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


@pytest.mark.parametrize("width", [1, 7, 8])
def test_a_terminal_may_be_narrower_than_the_scores(width: int) -> None:
    text = printed(explanation_of(TokenScore("\u4e2d" * 30, 1.0, True), *MIXED.tokens), width)
    assert "Great" in text.replace("\n", "")


def test_lines_end_where_their_words_end() -> None:
    assert all(line == line.rstrip() for line in printed(MIXED).splitlines())


def test_a_score_that_rounds_to_zero_has_no_minus_sign() -> None:
    assert printed(explanation_of(TokenScore("so", -0.001, True))).startswith(" +0.00 so")


def test_the_legend_explains_the_marks_that_were_printed() -> None:
    for console, words in (
        ({}, "(+) speaks for"),
        ({"force_terminal": True, "color_system": "256"}, "green speaks"),
    ):
        file = io.StringIO()
        print_legend(Console(file=file, width=80, **console), "positive")  # type: ignore[arg-type]
        plain = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
        assert words in plain and plain.count("\n") == 2  # nothing had to be broken


def test_no_character_of_a_review_controls_the_terminal() -> None:
    hostile = explanation_of(TokenScore("\x1b[2J\x9b31m\u202ebad\u200d ", 1.0, True), attention=[1.0])
    for console in ({}, {"force_terminal": True, "color_system": "256"}):
        text = printed(hostile, **console)
        assert "[2J" in text and "\x1b[2J" not in text
        assert not {"\x9b", "\u202e"} & set(text)
        file = io.StringIO()
        print_legend(Console(file=file, width=80, **console), "\x1b[2J\u202e")  # type: ignore[arg-type]
        assert "\x1b[2J" not in file.getvalue() and "\u202e" not in file.getvalue()


def test_a_terminal_with_sixteen_colours_gets_signs() -> None:
    assert "Great(+++)" in printed(MIXED, force_terminal=True, color_system="standard")
