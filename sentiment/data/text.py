"""Say why a text cannot be read, hash texts, shorten one for a message."""

import hashlib
import re
from collections.abc import Iterable

from sentiment.data.text_rules import TextRules, normalise

BEGINS_WITH_A_WORD = re.compile(r"\s*\w")


def why_unreadable(text: str) -> str | None:
    """Return why a text cannot be tokenized, or None if it can.

    A text is empty if nothing is left after every rule, also if a run uses only some of them.
    """
    if not BEGINS_WITH_A_WORD.match(text) and not normalise(text, TextRules()):
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
    """Return a value as an error message shows it: on one line, `most` characters at most.

    The middle is left out: the end of a path is its name.
    """
    text = " ".join(str(value).split())
    kept = most - 3
    return text if len(text) <= most else f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
