"""A connection that ends when its client stands still; uvicorn alone waits for ever for a slow header."""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sentiment.serving.limits import Limits


def _last_answer(status: str, message: str, *headers: str) -> bytes:
    """Return a whole answer, after which the connection ends."""
    body = json.dumps({"error": message})
    kind, length = "content-type: application/json", f"content-length: {len(body)}"
    return "\r\n".join([f"HTTP/1.1 {status}", kind, length, "connection: close", *headers, "", body]).encode()


TOO_MANY = _last_answer(
    "503 Service Unavailable", "too many connections; try again in a second", "retry-after: 1"
)
NO_HTTP = _last_answer("400 Bad Request", "this is no HTTP request, or its header is too long")


class WatchedConnection(H11Protocol):  # type: ignore[misc]  # uvicorn may not be installed
    """One connection of the server."""

    limits = Limits()
    _idle: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take a connection, or refuse it if there are too many."""
        super().connection_made(transport)
        self._idle = self._abort_later()
        if len(self.connections) > self.limits.connections:
            transport.write(TOO_MANY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the time for a header ends when the header is whole."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._idle is not None and self._is_answering:
            self._idle.cancel()
            self._idle = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, in the same form as every other mistake."""
        self.transport.write(NO_HTTP)
        self.transport.close()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        if self._idle is None and not self._is_answering:
            self._idle = self._abort_later()

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not take its answer."""
        super().pause_writing()
        self._unread = self._unread or self._abort_later()

    def resume_writing(self) -> None:
        """Go on: the client has taken its answer."""
        super().resume_writing()
        _stop(self._unread)
        self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _stop(self._idle)
        _stop(self._unread)
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _abort_later(self) -> asyncio.TimerHandle:
        timer: asyncio.TimerHandle = self.loop.call_later(self.limits.idle_seconds, self.transport.abort)
        return timer


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def connection_class(limits: Limits) -> Any:
    """Return the class of connections with these limits."""
    return type("LimitedConnection", (WatchedConnection,), {"limits": limits})
