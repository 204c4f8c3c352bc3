"""One JSON line on stdout for each request, without the texts that were sent."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sentiment.system.console import say, show_json

MOST_WAITING_LINES = 10_000


@dataclass(frozen=True)
class Access:
    """What is logged of a request; nothing in it is free text of a client."""

    client: str
    method: str
    path: str
    """One of the server's own paths, or `other`."""
    status: int
    """499 if the client had gone."""
    reviews: int
    """0 if the request was refused."""
    bytes: int
    """Of the body of the answer."""
    milliseconds: float
    fault: str = ""
    """The type and place of an error of this program."""


class AccessLog:
    """Writes lines in a thread of its own: a full pipe or disk never stops the server."""

    def __init__(self, show: Callable[[object], None] = show_json) -> None:
        """`show` writes one line."""
        self._show = show
        self._lines: queue.Queue[dict[str, object] | None] = queue.Queue(MOST_WAITING_LINES)
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, access: Access) -> None:
        """Log a request; if thousands of lines wait, this one is dropped and counted."""
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        line = {name: value for name, value in asdict(access).items() if value != "" or name != "fault"}
        try:
            self._lines.put_nowait({"time": now, **line})
        except queue.Full:
            self.dropped += 1

    def stop(self, seconds: float) -> None:
        """Write what waits, for so long at most."""
        try:
            self._lines.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        is_open = True
        while (line := self._lines.get()) is not None:
            if not is_open:
                continue
            try:
                self._show(line)
            except (OSError, ValueError) as error:  # closed by its reader, or the disk is full
                is_open = False
                say(f"the access log has ended: {error}")
