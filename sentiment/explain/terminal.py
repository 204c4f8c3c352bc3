"""Print explanations in a terminal: colours where it has them, else signs after the words."""

from typing import TYPE_CHECKING

from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore
from sentiment.explain.marks import LEVELS, explanation_notes, sentence_score, token_strengths
from sentiment.system.console import escape_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

EMOJI_JOINER = "\u200d"  # `isprintable` refuses it, but emoji need it
SCORE_WIDTH = 7
LEAST_TEXT_WIDTH = 20  # in a narrower terminal the lines are broken once more
FOR_COLOURS = ("#d3efd8", "#8fd49c", "#3fae5c")
AGAINST_COLOURS = ("#fadbd6", "#f1a79d", "#dd6b5d")
"""Backgrounds of the three levels."""


def print_explanation(explanation: Explanation, console: "Console") -> None:
    """Print the marked review, each sentence after its score, and the notes."""
    from rich.text import Text

    strengths = token_strengths(explanation)
    for sentence in explanation.sentences:
        _print_sentence(explanation, sentence, strengths, console)
    for note in explanation_notes(explanation):
        console.print(Text(escape_line(note)))


def print_legend(console: "Console", explained: str) -> None:
    """Print what the marks of explanations mean; `explained` says which class they speak for."""
    explained = escape_line(explained)
    marks = f"green speaks for {explained}, red against; italics are unknown, grey was not read"
    if not _has_colours(console):
        marks = f"(+) speaks for {explained}, (-) against; more signs are stronger; (?) is unknown"
    score = "numbers are what sentences add to the logit; cut ones were not read"
    console.print(f"{marks};\n{score}", style="dim")


def _print_sentence(
    explanation: Explanation, sentence: SentenceScore, strengths: list[float], console: "Console"
) -> None:
    from rich.text import Text

    place = slice(sentence.start, sentence.stop)
    tokens = zip(explanation.tokens[place], strengths[place], strict=True)
    has_colours = _has_colours(console)
    text = Text.assemble(*(_token_text(token, strength, has_colours) for token, strength in tokens))
    width = max(console.width - SCORE_WIDTH, LEAST_TEXT_WIDTH)
    for number, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        score = "" if number else sentence_score(sentence)
        console.print(Text.assemble(f"{score:>{SCORE_WIDTH - 1}} ", line))


def _has_colours(console: "Console") -> bool:
    # With 16 colours the marks of both sides would look alike.
    return console.color_system in ("256", "truecolor") and not console.no_color


def _token_text(token: TokenScore, strength: float, has_colours: bool) -> "Text":
    """Return the marked word and, without marks, the space after it."""
    from rich.text import Text

    word = token.text.rstrip(" ")
    space = token.text[len(word) :]
    word = "".join(map(_printable, word))
    level = sum(abs(strength) >= least for least in LEVELS)
    if has_colours:
        return Text.assemble((word, _style(token, strength, level)), space)
    signs = ("" if token.known else "?") + ("+" if strength > 0 else "-") * level
    style = "dim" if token.contribution is None else "underline" if level else ""
    return Text.assemble((f"{word}({signs})" if signs else word, style), space)


def _printable(character: str) -> str:
    """Replace a character that could control the terminal by a box."""
    return character if character.isprintable() or character == EMOJI_JOINER else "\ufffd"


def _style(token: TokenScore, strength: float, level: int) -> str:
    """Return how rich shows a token in colour."""
    style = "" if token.known else "italic "
    if token.contribution is None:
        style += "bright_black"
    elif level:
        colours = FOR_COLOURS if strength > 0 else AGAINST_COLOURS
        style += f"#101010 on {colours[level - 1]}"
    return style
