"""Start `sentiment` as another process, with the same Python and the same modules."""

import os
import sys
from collections.abc import Sequence


def own_command(arguments: Sequence[str]) -> list[str]:
    """The command that starts `sentiment` with these arguments; run it with `own_environment`.

    -P keeps the current folder out of the path: a file there must not take the place of a library.
    """
    return [sys.executable, "-P", "-m", "sentiment", *arguments]


def own_environment() -> dict[str, str]:
    """The environment in which `own_command` finds every module where this process finds it."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
