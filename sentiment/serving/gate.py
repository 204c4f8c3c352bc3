"""The gate in front of the application: it checks, limits, times and logs every request."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from sentiment.serving.access_log import Access, AccessLog
from sentiment.serving.bodies import ClientGone, Message, Receive, read_body, replay
from sentiment.serving.callers import CallerRules, require_json
from sentiment.serving.limits import Limits
from sentiment.serving.metrics import Metrics
from sentiment.serving.refusals import BUSY, Refusal

Scope = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATHS = ("/", "/predict", "/health", "/model", "/metrics", "/openapi.json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CLIENT_GONE = 499
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Unless the answer has its own."""


@dataclass
class Exchange:
    """One request and what has been answered so far."""

    scope: Scope
    receive: Receive
    respond: Send
    begin: float = field(default_factory=time.perf_counter)
    status: int = 0
    """0 until an answer has begun."""
    is_complete: bool = False
    size: int = 0
    fault: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers; of a repeated one the first."""
        found = reversed(self.scope["headers"])
        return {name.decode("latin-1"): value.decode("latin-1").strip() for name, value in found}

    @property
    def path(self) -> str:
        """One of the server's own paths, or `other`."""
        return self.scope["path"] if self.scope["path"] in PATHS else "other"

    @property
    def reviews(self) -> int:
        """How many reviews were answered; the application says so in the state of the request."""
        count: int = self.scope.get("state", {}).get("reviews", 0)
        return count

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            given = {name.lower() for name, _ in headers}
            headers += [
                (name.encode(), value.encode())
                for name, value in SECURITY_HEADERS.items()
                if name.encode() not in given
            ]
            message = {**message, "headers": headers}
        self.size += len(message.get("body", b""))
        await self.respond(message)
        is_body = message["type"] == "http.response.body"
        self.is_complete = is_body and not message.get("more_body", False)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, unless an answer has begun."""
        if self.status:
            return
        body = refusal.body
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **refusal.headers,
        }
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
        await self.send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class Gate:
    """An ASGI application around another one."""

    application: Application
    rules: CallerRules
    limits: Limits
    metrics: Metrics
    log: AccessLog
    is_busy: Callable[[], bool]
    """Whether reviews would be refused now; they are then not even read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on that the server starts or stops."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        scope.setdefault("state", {})
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        finally:
            self._record(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        seconds = self.limits.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._serve(exchange)
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except ClientGone:
            exchange.status = exchange.status or CLIENT_GONE
        except TimeoutError:
            if exchange.status:
                raise  # half an answer: the connection has to end
            await exchange.refuse(Refusal(503, f"no answer within {seconds:g} s; send fewer reviews at once"))
        except Exception as error:
            exchange.fault = describe_fault(error)
            if exchange.status and not exchange.is_complete:
                raise
            await exchange.refuse(fault_refusal(error))

    async def _serve(self, exchange: Exchange) -> None:
        headers = exchange.headers
        self.rules.check(headers)
        receive = exchange.receive
        if exchange.scope["method"] == "POST":
            require_json(headers)
            if exchange.path == "/predict" and self.is_busy():
                raise Refusal(429, BUSY)
            receive = replay(await read_body(receive, headers, self.limits), receive)
            await _while_connected(self.application(exchange.scope, receive, exchange.send), exchange.receive)
        else:
            await self.application(exchange.scope, receive, exchange.send)

    def _record(self, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.begin
        scope, status = exchange.scope, exchange.status or CLIENT_GONE
        self.metrics.observe_request(exchange.path, status, seconds)
        self.log.write(
            Access(
                client=(scope.get("client") or ("",))[0],
                method=scope["method"] if scope["method"] in METHODS else "other",
                path=exchange.path,
                status=status,
                reviews=exchange.reviews,
                bytes=exchange.size,
                milliseconds=round(seconds * 1000, 1),
                fault=exchange.fault,
            )
        )


async def _while_connected(answering: Awaitable[None], receive: Receive) -> None:
    """Answer, and give up as soon as the client has gone; raises ClientGone then."""
    answer = asyncio.ensure_future(answering)
    watch = asyncio.ensure_future(_wait_for_end(receive))
    try:
        await asyncio.wait((answer, watch), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientGone
        answer.result()
    finally:
        for task in (answer, watch):
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _wait_for_end(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def fault_refusal(error: Exception) -> Refusal:
    """Return the answer to a request that met an error of this program."""
    return Refusal(500, f"a bug of ours: {type(error).__name__}")


def describe_fault(error: BaseException) -> str:
    """Return the type and the place of an error, without its message, which may quote a review."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"
