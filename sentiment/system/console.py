"""Print what a user reads: messages on stderr, results on stdout.

Names, labels and texts come from strangers. Characters that control a terminal or reorder a line are escaped
here, on the way out, so no file name can clear the screen or forge a line.
"""

import json
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

# Control characters except tab and line feed, breaks of lines and paragraphs, changes of the direction of
# writing, and bytes of a file name that are not UTF-8, as Python keeps them.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")

_is_quiet = ContextVar("is_quiet", default=False)


def escape(text: str) -> str:
    r"""Return a text with every unsafe character as its number, such as `\x1b`; tabs and line feeds stay."""
    return UNSAFE.sub(lambda match: _number(ord(match[0])), text)


def escape_line(text: str) -> str:
    """Return a text on one line, without unsafe characters."""
    return escape(LINE_BREAK.sub(" ", text))


@contextmanager
def quiet() -> Iterator[None]:
    """Show no messages and no progress bars inside the block; other threads are not affected."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def say(message: str) -> None:
    """Print a line on stderr, without breaking a progress bar."""
    from tqdm import tqdm

    if _is_quiet.get():
        return
    tqdm.write(escape_line(message), file=sys.stderr)


def say_error(message: str) -> None:
    """Print the last line of a command that fails, on stderr."""
    print(f"error: {escape_line(message.strip())}", file=sys.stderr)


def say_traceback() -> None:
    """Print the traceback of the exception that is handled, on stderr."""
    print(escape(traceback.format_exc()), file=sys.stderr, end="")


def say_warnings_of_libraries() -> None:
    """From now on, print the warnings of libraries as messages; they may quote a file."""
    warnings.showwarning = lambda message, *place: say(f"warning: {message}")


def show(text: str) -> None:
    """Print a result on stdout for people."""
    print(escape(text), flush=True)


def show_json(value: object) -> None:
    """Print a result on stdout for programs: a line of JSON in ASCII."""
    print(json.dumps(value), flush=True)


def progress_bar(description: str, total: int, unit: str, initial: int = 0) -> "tqdm[Any]":
    """Return a progress bar on stderr, which is hidden if that is no terminal."""
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=initial,
        desc=escape_line(description),
        unit=f" {unit}",
        disable=_is_quiet.get() or None,  # None: hidden if stderr is no terminal
        leave=False,
    )


def _number(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
