"""Turn SIGINT and SIGTERM into an orderly stop: at once, or at the next safe point."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sentiment.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


SECONDS_TO_ANSWER = 30.0  # another process has so long to reach the next safe point after a signal


class StopRequest:
    """Remembers the first signal that asked to stop; `check` raises it at a safe point."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._give_up_at = 0.0  # a time of `time.monotonic`

    def note(self, signal_number: int) -> None:
        """Remember a signal, or that it was not the first."""
        if self.signal_number is None:
            self.signal_number = signal_number
            self._give_up_at = time.monotonic() + SECONDS_TO_ANSWER
        else:
            self._give_up_at = 0.0

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self.signal_number is not None:
            raise Interrupted(self.signal_number)

    @property
    def is_urgent(self) -> bool:
        """Whether to stop before the next safe point: after a second signal, or `SECONDS_TO_ANSWER`."""
        return self.signal_number is not None and time.monotonic() >= self._give_up_at


_received = StopRequest()  # the signal that `stop_at_once` has raised; a library may have caught it


def stop_at_once() -> None:
    """Make both signals raise `Interrupted` at once."""
    _received.signal_number = None

    def handle(signal_number: int, frame: FrameType | None) -> None:
        _received.signal_number = signal_number
        raise Interrupted(signal_number)

    for number in SIGNALS:
        signal.signal(number, handle)


def stop_by_default() -> None:
    """Let both signals end the program without a message, as if Python did not handle them."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def end_if_orphaned(
    parent: int, clean_up: Callable[[], object] = lambda: None, *, seconds: float = 0.0
) -> None:
    """Clean up and end this process if its `parent` has ended, or ends within some seconds."""
    end = time.monotonic() + seconds
    while os.getppid() == parent:
        if time.monotonic() >= end:
            return
        time.sleep(0.02)
    clean_up()
    os._exit(1)


def end_with(parent: int, clean_up: Callable[[], object] = lambda: None) -> None:
    """End this process after its `parent`, and clean up. A killed process cannot notify its children."""

    def watch() -> None:
        while True:
            end_if_orphaned(parent, clean_up)
            time.sleep(0.5)

    threading.Thread(target=watch, daemon=True).start()


def check() -> None:
    """Raise `Interrupted` again if a library has caught the first one.

    While torch imports some of its modules, it catches every exception. The program would then continue with
    a module that is imported in part only.
    """
    _received.check()


@contextmanager
def deferred() -> Iterator[StopRequest]:
    """Only remember a signal inside the block; the caller decides where `check` is safe.

    Python delivers signals to the main thread alone. In another thread this does nothing.
    """
    request = StopRequest()
    if _received.signal_number is not None:
        request.note(_received.signal_number)

    def handle(signal_number: int, frame: FrameType | None) -> None:
        request.note(signal_number)

    try:
        previous = {number: signal.signal(number, handle) for number in SIGNALS}
    except ValueError:
        yield request
        return
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
