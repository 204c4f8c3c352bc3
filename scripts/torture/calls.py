"""Kill a child process at a chosen call of a Python function."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .children import Ended


def count_calls(run: Callable[[Callable[[], None]], Ended], log: Path) -> int:
    """Return how many calls of Python functions a command makes; `run` gets what to do first in its child."""

    def count() -> None:
        calls = [0]
        leave = os._exit

        def note(frame: Any, event: str, argument: Any) -> None:
            calls[0] += event == "call"

        def leave_and_tell(code: int) -> None:
            sys.setprofile(None)
            log.write_text(str(calls[0]))
            leave(code)

        os._exit = leave_and_tell  # type: ignore[assignment]
        sys.setprofile(note)

    run(count).assert_code(0)
    return int(log.read_text())


def die_at_call(number: int) -> None:
    """Kill this process at a call of a Python function; calls are counted from now on."""
    left = [number]

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(note)
