"""Write values into the command lines that messages tell the user to type."""

import os
import re
import shlex
from pathlib import Path

PLAIN = re.compile(r"[\w@+=:,./ ]", re.ASCII)  # what means itself in quotes and to printf


def quote_word(text: str) -> str:
    """Return a text as one word of a POSIX shell.

    Whatever a terminal may not show as it is, such as control characters and bytes that are not UTF-8, is
    written with printf. The shell then drops line breaks at the end.
    """
    if text.isprintable():
        return shlex.quote(text)
    written = "".join(one if PLAIN.fullmatch(one) else _in_octal(one) for one in text)
    return f"\"$(printf '{written}')\""


def quote_path(path: str | Path) -> str:
    """Return a path as one word of a shell that no command takes for an option."""
    text = str(path)
    if text.startswith("-"):
        text = f"./{text}"
    return quote_word(f"{text}/" if text.endswith("\n") else text)


def quote_run(run: Path) -> str:
    """Return the folder of a run for `--run`: with a slash, because a bare word is a name under runs/."""
    text = str(run)
    return quote_path(text if "/" in text else f"./{text}")


def _in_octal(character: str) -> str:
    try:
        content = os.fsencode(character)
    except UnicodeEncodeError:  # half of a surrogate pair, which no path has
        content = character.encode("utf-8", "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in content)
