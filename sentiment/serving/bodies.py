"""Read the body of a request: no more than allowed, and not for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from sentiment.serving.limits import Limits
from sentiment.serving.refusals import Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
DISCARDED_BODIES = 8
"""So many times the limit is read and thrown away: clients that are sending do not see an answer before."""


class ClientGone(Exception):
    """The client has closed the connection."""


async def read_body(receive: Receive, headers: Mapping[str, str], limits: Limits) -> bytes:
    """Return the whole body.

    Raises Refusal if it is too large (413) or comes too slowly (408), ClientGone if it does not end.
    """
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read_body(receive, headers, limits.body_bytes)
    except TimeoutError:
        raise Refusal(
            408, f"the request took longer than {limits.body_seconds:g} s to send", ends_connection=True
        ) from None


async def _read_body(receive: Receive, headers: Mapping[str, str], most: int) -> bytes:
    too_large = Refusal(
        413, f"the body has more than {most:,} bytes; send fewer reviews at once", ends_connection=True
    )
    length = headers.get("content-length", "")
    if "expect" in headers and length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_large  # this client waits for a word before it sends
    body = bytearray()
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= most:
            body += chunk
        elif size > most * DISCARDED_BODIES:
            raise too_large
    if size > most:
        raise too_large
    return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read, then waits for the end of the connection."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
