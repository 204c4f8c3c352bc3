"""Show an explanation: each token marked by what it adds to the logit, each sentence with its score."""

from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING

from sentiment.explain.explanation import Explanation, SentenceScore, TokenScore

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STRONG = 0.4
"""A token that adds so much to the logit is marked fully where no other one adds more."""
LEVELS = (0.1, 0.3, 0.6)
"""Strengths from which a token is marked, marked more, and most."""
JOINER = "\u200d"  # of emoji; not printable by itself
SCORE_WIDTH = 7
BEST = 5
"""Positions named of a readout's own weights or logits."""
FOR = ("#d3efd8", "#8fd49c", "#3fae5c")
AGAINST = ("#fadbd6", "#f1a79d", "#dd6b5d")


def print_explanation(explanation: Explanation, console: "Console") -> None:
    """Print on a rich console: with colours where it has them, else with signs behind what counts."""
    from rich.text import Text

    strengths = token_strengths(explanation)
    for sentence in explanation.sentences:
        own = slice(sentence.start, sentence.stop)
        tokens = zip(explanation.tokens[own], strengths[own], strict=True)
        coloured = _is_coloured(console)
        text = Text.assemble(*(_terminal_token(token, strength, coloured) for token, strength in tokens))
        for number, line in enumerate(text.wrap(console, console.width - SCORE_WIDTH)):
            line.rstrip()
            score = "" if number else _score(sentence)
            console.print(Text.assemble(f"{score:>{SCORE_WIDTH - 1}} ", line))
    for note in notes(explanation):
        console.print(Text(note))


def print_legend(console: "Console") -> None:
    """Print what the marks of explanations mean."""
    marks = "green speaks for positive, red against; italics are unknown, grey unread"
    if not _is_coloured(console):
        marks = "(+) speaks for positive, (-) against, the more signs the more; (?) unknown"
    score = "before a sentence stands what it adds to the logit, or cut if it was not read"
    console.print(f"{marks};\n{score}", style="dim")


def _is_coloured(console: "Console") -> bool:
    # With 16 colours the marks of both sides would look alike.
    return console.color_system in ("256", "truecolor") and not console.no_color


def notes(explanation: Explanation) -> list[str]:
    """What the tokens leave open: how the logit adds up, what the readout says itself, doubts."""
    logit, base = explanation.logit, explanation.base
    lines = [f"logit {logit:+.2f}: {base:+.2f} with every word unknown, {logit - base:+.2f} from its words"]
    if explanation.attention is not None:
        lines.append(f"most attention on {_largest(explanation, explanation.attention)}")
    if explanation.position_logits is not None:
        lines.append(f"largest logits of single tokens: {_largest(explanation, explanation.position_logits)}")
    return lines + [f"doubt: {doubt}" for doubt in explanation.doubts]


def as_html(explanation: Explanation) -> str:
    """A `<div class="review">` for a page that holds `STYLE`; texts are escaped."""
    strengths = token_strengths(explanation)
    rows = []
    for sentence in explanation.sentences:
        own = slice(sentence.start, sentence.stop)
        tokens = zip(explanation.tokens[own], strengths[own], strict=True)
        text = "".join(_html_token(token, strength) for token, strength in tokens)
        rows.append(f'<div class="score">{_score(sentence)}</div><div>{text}</div>')
    return '<div class="review">\n' + "\n".join(rows) + "\n</div>"


STYLE = """
.review { display: grid; grid-template-columns: 3.5em minmax(0, 1fr); gap: .15em .8em; }
.review .score { text-align: right; opacity: .7; font-variant-numeric: tabular-nums; }
.review mark { color: inherit; border-radius: .2em; padding: 0 .1em; }
.review .for { background: rgb(46 160 67 / calc(var(--strength) * 65%)); }
.review .against {
  background: rgb(218 54 51 / calc(var(--strength) * 65%));
  text-decoration: underline dotted; text-underline-offset: .2em;
}
.review .cut { opacity: .45; }
.review .unknown { font-style: italic; }
"""

LEGEND = (
    "Green tokens speak for a positive review, red and underlined ones against it. The model does not know "
    "those in italics and has not read the faint ones. Beside each sentence stands what it adds to the logit."
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Why these predictions</title>
<style>
:root {{ color-scheme: light dark; }}
body {{
  font: 16px/1.6 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em;
  overflow-wrap: anywhere;
}}
article {{ border-top: 1px solid rgb(128 128 128 / 40%); padding: 1em 0 1.5em; }}
h1 {{ font-size: 1.4em; }}
h2 {{ font-size: 1.1em; margin: 0 0 .6em; }}
.notes {{ font-size: .9em; opacity: .8; padding-left: 1.2em; }}
{style}
</style>
</head>
<body>
<h1>Why these predictions</h1>
<p>{legend}</p>
{articles}
</body>
</html>
"""


def html_page(explanations: Sequence[Explanation], labels: Sequence[str | None] = ()) -> str:
    """A page of its own: no script, no request, fit for a phone and a dark screen.

    `labels` are the right ones, in the same order, where they are known.
    """
    articles = []
    for number, (explanation, label) in enumerate(zip_longest(explanations, labels), start=1):
        prediction = explanation.prediction
        title = f"{number}. {prediction.label}, probability {prediction.probability:.3f}"
        if label:
            title += f", labelled {label}"
        lines = "".join(f"<li>{escape(line)}</li>" for line in notes(explanation))
        articles.append(
            f"<article>\n<h2>{escape(title)}</h2>\n"
            f'{as_html(explanation)}\n<ul class="notes">{lines}</ul>\n</article>'
        )
    return PAGE.format(style=STYLE, legend=LEGEND, articles="\n".join(articles))


def token_strengths(explanation: Explanation) -> list[float]:
    """Each token's contribution by the review's largest, in [-1, 1]; 0 where it hardly counts or was cut."""
    contributions = [token.contribution or 0.0 for token in explanation.tokens]
    largest = max([STRONG, *map(abs, contributions)])
    return [value / largest if abs(value) >= LEVELS[0] * largest else 0.0 for value in contributions]


def _largest(explanation: Explanation, values: Sequence[float]) -> str:
    """The positions with the largest values, by the tokens they stand for."""
    read = [token.text.strip() for token in explanation.tokens if token.contribution is not None]
    width = explanation.tokens_per_position
    best = sorted(range(len(values)), key=lambda position: -abs(values[position]))[:BEST]
    return ", ".join(
        f"{' '.join(read[place * width : (place + 1) * width][:3])}{' ...' if width > 3 else ''} "
        f"({values[place]:.2f})"
        for place in best
    )


def _score(sentence: SentenceScore) -> str:
    # Rounded first: what is as good as nothing is not negative.
    return "cut" if sentence.contribution is None else f"{round(sentence.contribution, 2) + 0.0:+.2f}"


def _terminal_token(token: TokenScore, strength: float, coloured: bool) -> "Text":
    """The token and, unstyled, the space after it; what would steer the terminal is shown as a box."""
    from rich.text import Text

    word = "".join(
        character if character.isprintable() or character == JOINER else "\ufffd"
        for character in token.text.rstrip(" ")
    )
    level = sum(abs(strength) >= least for least in LEVELS)
    signs = ("" if token.known else "?") + ("+" if strength > 0 else "-") * level
    style = "" if token.known or not coloured else "italic "
    if token.contribution is None:
        style += "bright_black" if coloured else "dim"
    elif level:
        style += f"#101010 on {(FOR if strength > 0 else AGAINST)[level - 1]}" if coloured else "underline"
    if signs and not coloured:
        word += f"({signs})"
    return Text.assemble((word, style), token.text[len(token.text.rstrip(" ")) :])


def _html_token(token: TokenScore, strength: float) -> str:
    word = token.text.rstrip(" ")
    space = token.text[len(word) :]
    classes = [
        *(["cut"] if token.contribution is None else []),
        *([] if token.known else ["unknown"]),
        *(["for" if strength > 0 else "against"] if strength else []),
    ]
    if not classes:
        return escape(token.text)
    names = " ".join(classes)
    if not strength:
        return f'<span class="{names}">{escape(word)}</span>{space}'
    style, title = f"--strength:{abs(strength):.2f}", f"{token.contribution:+.2f}"
    return f'<mark class="{names}" style="{style}" title="{title}">{escape(word)}</mark>{space}'
