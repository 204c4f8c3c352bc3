"""Say why a text cannot be read, hash texts, shorten one for a message."""

import hashlib
import math
import re
from collections.abc import Iterable
from typing import Any

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


def why_unusable(value: Any) -> str:
    """Return why a value of a table is no text that can be used, or nothing if it is one."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "the text is empty"
    if not isinstance(value, str):
        return f"the text is {shorten(repr(value), 40)}"
    flaw = why_unreadable(value)
    return f"the text {flaw}" if flaw else ""


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
