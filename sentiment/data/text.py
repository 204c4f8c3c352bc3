"""Text before it is tokenized: normalise it, say why it cannot be read, hash it, shorten it for a message."""

import hashlib
import re
from collections.abc import Iterable

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
SPACE = re.compile(r"\s+")
# spaCy's time grows with the square of a run of punctuation: 100,000 quotes in a row would take half an hour.
# The longest run without white space in IMDB's 75,000 reviews has 91 characters.
LONG_RUN = re.compile(r"\S{200}(?=\S)")
EMPTY_TEXT = re.compile(rf"(?:\s|{BREAK.pattern})*", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the text with `<br />` and each run of white space as one space.

    A run of more than 200 characters without white space gets a space after each 200. Training and predicting
    both normalise.
    """
    return LONG_RUN.sub(r"\g<0> ", SPACE.sub(" ", BREAK.sub(" ", text)).strip())


def why_unreadable(text: str) -> str | None:
    """Return why a text cannot be tokenized, or None if it can."""
    if EMPTY_TEXT.fullmatch(text):
        return "is empty"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not Unicode (half of a surrogate pair)"
    return None


def digest(texts: Iterable[str]) -> str:
    """Return a SHA-256 over texts and the length of each of them."""
    state = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.hexdigest()


def shorten(value: object, most: int = 80) -> str:
    """Return a value as an error message shows it: on one line, `most` characters at most."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 3] + "..."
