"""Write explanations as HTML: one marked review for a report, or a whole page."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import zip_longest

from sentiment.explain.explanation import Explanation, TokenScore
from sentiment.explain.marks import explanation_notes, name_explained, sentence_score, token_strengths
from sentiment.inference.wording import label_and_confidence

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
    "Green tokens speak for {explained}; red, underlined tokens speak against it. The model does not "
    "know tokens in italics and has not read faint ones. The number next to a sentence is what it adds to "
    "the logit."
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Explained predictions</title>
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
<h1>Explained predictions</h1>
<p>{legend}</p>
{articles}
</body>
</html>
"""


def explanation_page(explanations: Sequence[Explanation], labels: Sequence[str | None] = ()) -> str:
    """Return a whole HTML page without scripts and requests, for phones and dark screens too.

    `labels` are the correct labels in the order of `explanations`; None means unknown.
    """
    articles = [
        _review_article(number, explanation, label)
        for number, (explanation, label) in enumerate(zip_longest(explanations, labels), start=1)
    ]
    return PAGE.format(style=STYLE, legend=legend(explanations), articles="\n".join(articles))


def legend(explanations: Iterable[Explanation]) -> str:
    """Return what the marks mean, as HTML."""
    return LEGEND.format(explained=escape(name_explained(one.explained_class for one in explanations)))


def review_html(explanation: Explanation) -> str:
    """Return the marked review as a `<div class="review">` for a page that includes `STYLE`."""
    strengths = token_strengths(explanation)
    rows = []
    for sentence in explanation.sentences:
        place = slice(sentence.start, sentence.stop)
        tokens = zip(explanation.tokens[place], strengths[place], strict=True)
        text = "".join(_token_html(token, strength) for token, strength in tokens)
        rows.append(f'<div class="score">{sentence_score(sentence)}</div><div>{text}</div>')
    return '<div class="review">\n' + "\n".join(rows) + "\n</div>"


def _review_article(number: int, explanation: Explanation, label: str | None) -> str:
    title = f"{number}. {label_and_confidence(explanation.prediction)}"
    if label:
        title += f", labelled {label}"
    notes = "".join(f"<li>{escape(note)}</li>" for note in explanation_notes(explanation))
    return (
        f"<article>\n<h2>{escape(title)}</h2>\n"
        f'{review_html(explanation)}\n<ul class="notes">{notes}</ul>\n</article>'
    )


def _token_html(token: TokenScore, strength: float) -> str:
    """Return the marked word and, without marks, the space after it."""
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
